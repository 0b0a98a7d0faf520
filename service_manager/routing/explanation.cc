#include "service_manager/routing/explanation.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace strata::manager::routing {
namespace {

constexpr int kNameWidthMax = 128;  // Of a table.

std::string Printed(const char* format, ...) __attribute__((format(printf, 1, 2)));
std::string Printed(const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  return text;
}

std::string ReasonOfRanked(const farm::Candidate& candidate, bool held, uint32_t rank) {
  std::string does = held ? "holds it" : "nobody holds it; would fetch it";
  std::string why;
  if (candidate.status != farm::EngineStatus::kUp) why = std::string(ToString(candidate.status));
  if (candidate.overloaded) why += why.empty() ? "overloaded" : ", overloaded";
  if (!why.empty()) return does + "; comes late: " + why;
  if (held && rank == 1) return does + "; drawn";
  return does;
}

std::string ReasonOfOther(const farm::EngineCard& card, const directory::Location* location,
                          bool held) {
  if (location != nullptr && (location->flags & directory::kComplete) == 0) {
    return "left out: its copy is partial";
  }
  if (!card.Serves()) return std::string("left out: ") + ToString(card.status);
  if (held) return "left out: does not hold it";
  if (!card.has_room) return "left out: no room to fetch it";
  return "left out: clients cannot reach it";
}

// Of children, and of engines that others named, there is none.
std::string IdOf(const ExplainedEngine& engine) {
  return engine.id == 0 ? "-" : std::to_string(engine.id);
}

// Above level 1 names have their scope with them, and numbers are large.
struct Widths {
  int name = 32;
  int id = 5;
};
Widths WidthsOf(const std::vector<ExplainedEngine>& engines) {
  Widths widths;
  for (const ExplainedEngine& engine : engines) {
    widths.name = std::clamp(static_cast<int>(engine.name.size()), widths.name, kNameWidthMax);
    widths.id = std::max(widths.id, static_cast<int>(IdOf(engine).size()));
  }
  return widths;
}

std::string JsonText(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      out += Printed("\\u%04x", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

std::vector<ExplainedEngine> ExplainEngines(const RoutingSnapshot& snapshot,
                                            std::span<const directory::Location> locations,
                                            std::span<const farm::Candidate> ranked, bool held) {
  std::vector<ExplainedEngine> engines;
  const auto add = [&](const farm::EngineCard& card) -> ExplainedEngine& {
    ExplainedEngine& engine = engines.emplace_back();
    engine.name = snapshot.NameOf(snapshot.IndexOf(card.id));
    engine.id = card.id.value();
    engine.status = ToString(card.status);
    engine.load_factor = card.load_factor;
    engine.overloaded = card.overloaded;
    return engine;
  };
  uint32_t rank = 0;
  for (const farm::Candidate& candidate : ranked) {
    ExplainedEngine& engine =
        add(snapshot.cards()[static_cast<size_t>(snapshot.IndexOf(candidate.engine))]);
    engine.rank = ++rank;
    engine.chance = held ? candidate.chance : (rank == 1 ? 1 : 0);
    engine.reason = ReasonOfRanked(candidate, held, rank);
  }
  for (const farm::EngineCard& card : snapshot.cards()) {
    const bool is_ranked = std::any_of(ranked.begin(), ranked.end(), [&](const auto& candidate) {
      return candidate.engine == card.id;
    });
    if (is_ranked) continue;
    const auto location = std::find_if(locations.begin(), locations.end(), [&](const auto& each) {
      return each.holder.value() == card.id.value();
    });
    add(card).reason =
        ReasonOfOther(card, location == locations.end() ? nullptr : &*location, held);
  }
  return engines;
}

std::string AsText(const Explanation& explanation) {
  std::string text = "site    " + explanation.site + "\n";
  text += "uri     " + explanation.canonical_uri + "\n";
  text += "key     " + explanation.key + "\n";
  if (!explanation.client_region.empty()) text += "region  " + explanation.client_region + "\n";
  text += "answer  " + explanation.answer + "\n\n";
  const Widths widths = WidthsOf(explanation.engines);
  text += Printed("%4s  %-*s  %*s  %-8s  %6s  %6s  %s\n", "rank", widths.name, "engine", widths.id,
                  "id", "status", "load", "chance", "why");
  for (const ExplainedEngine& engine : explanation.engines) {
    const std::string rank = engine.rank == 0 ? "-" : std::to_string(engine.rank);
    text += Printed("%4s  %-*s  %*s  %-8s  %6.3f  %6.3f  %s\n", rank.c_str(), widths.name,
                    engine.name.c_str(), widths.id, IdOf(engine).c_str(), engine.status.c_str(),
                    engine.load_factor, engine.chance, engine.reason.c_str());
  }
  return text;
}

std::string AsJson(const Explanation& explanation) {
  std::string json = "{\"site\": " + JsonText(explanation.site);
  json += ", \"canonical_uri\": " + JsonText(explanation.canonical_uri);
  json += ", \"key\": " + JsonText(explanation.key);
  if (!explanation.client_region.empty()) {
    json += ", \"client_region\": " + JsonText(explanation.client_region);
  }
  json += ", \"held\": " + std::string(explanation.held ? "true" : "false");
  json += ", \"answer\": " + JsonText(explanation.answer) + ", \"engines\": [";
  const char* separator = "";
  for (const ExplainedEngine& engine : explanation.engines) {
    json += separator;
    json += "{\"name\": " + JsonText(engine.name) + ", \"id\": " + std::to_string(engine.id);
    json += ", \"status\": " + JsonText(engine.status);
    json += Printed(", \"load_factor\": %.6g, \"overloaded\": %s, \"rank\": %u, \"chance\": %.6g",
                    engine.load_factor, engine.overloaded ? "true" : "false", engine.rank,
                    engine.chance);
    json += ", \"reason\": " + JsonText(engine.reason) + "}";
    separator = ", ";
  }
  return json + "]}\n";
}

}  // namespace strata::manager::routing

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cli/failure.h"
#include "cli/json.h"
#include "cli/readable.h"
#include "cli/suggestion.h"
#include "cli/table.h"
#include "cli/text_width.h"
#include "cli/verbs.h"
#include "cli/watch.h"

namespace strata::cli {
namespace {

constexpr double kReportLate = 5;  // Seconds; engines report about each second.
constexpr double kBusy = 0.8;
constexpr double kFull = 0.95;

Colour ColourOfShare(double share) {
  if (share >= kFull) return Colour::kRed;
  return share >= kBusy ? Colour::kYellow : Colour::kNone;
}

Cell ShareCell(double share) { return {ReadableShare(share), ColourOfShare(share)}; }

// A rate, coloured by how much of the capacity it is.
Cell RateCell(uint64_t rate, uint64_t capacity) {
  if (capacity == 0) return {ReadableRate(rate)};
  return {ReadableRate(rate),
          ColourOfShare(static_cast<double>(rate) / static_cast<double>(capacity))};
}

// The share, or what is used where the whole is not known.
Cell UseCell(uint64_t used, uint64_t capacity) {
  if (capacity != 0) return ShareCell(static_cast<double>(used) / static_cast<double>(capacity));
  return used == 0 ? Cell("-", Colour::kGrey) : Cell(ReadableBytes(used));
}

Cell ReportCell(double age_s) {
  if (age_s < 0) return {"none", Colour::kGrey};
  return {ReadableSeconds(age_s), age_s > kReportLate ? Colour::kYellow : Colour::kNone};
}

std::string DrainRemark(const api::Drain& drain) {
  if (!drain.known()) return "draining";
  if (drain.safe()) return "drained: it is safe to switch off";
  if (drain.contents_left() == 0) return "draining: nothing is left to copy, requests end";
  std::string text = "draining: " + Counted(drain.contents_left(), "content", "contents") + ", " +
                     ReadableBytes(drain.bytes_left()) + " to copy to others";
  if (drain.failing() != 0) {
    text += ", " + ReadableCount(drain.failing()) + " cannot be copied (strata engine drain NAME " +
            "--wait says why)";
  }
  return text;
}

// Who is drained to the end is told from who is not yet.
Cell StatusCell(const api::EngineRow& engine) {
  const bool drained = engine.status() == "draining" && engine.drain().safe();
  return {drained ? "drained" : engine.status(), ColourOfStatus(engine.status())};
}

std::string RemarkOn(const api::EngineRow& engine) {
  std::string remark = engine.reason();
  const auto add = [&](const std::string& more) { remark += (remark.empty() ? "" : "; ") + more; };
  if (engine.light()) add("light");
  if (engine.has_drain()) add(DrainRemark(engine.drain()));
  if (engine.telling()) add("still telling what it holds");
  if (!engine.in_view() && engine.status() != "down") add("not in the group");
  for (const auto& [name, value] : std::vector<std::pair<std::string, double>>(
           engine.parameters().begin(), engine.parameters().end())) {
    if (value >= kBusy) add(name + " " + ReadableShare(value));
  }
  return remark;
}

// What it says of itself; nothing is known of who is down.
std::vector<Cell> LoadCells(const api::EngineRow& engine) {
  if (engine.status() == "down") return std::vector<Cell>(7, {"-", Colour::kGrey});
  const api::Capacity& capacity = engine.capacity();
  return {ShareCell(engine.load_factor()),
          RateCell(engine.bandwidth_out(), capacity.bandwidth_out()),
          RateCell(engine.bandwidth_in(), capacity.bandwidth_in()),
          ShareCell(engine.cpu()),
          UseCell(engine.memory_used(), capacity.memory()),
          UseCell(engine.storage_used(), capacity.storage()),
          ReadableCount(engine.active_requests())};
}

Table EngineTable(const api::ShowFarmReply& farm) {
  Table table({{"ENGINE"},
               {"STATUS"},
               {"LOAD", Align::kRight},
               {"OUT", Align::kRight},
               {"IN", Align::kRight},
               {"CPU", Align::kRight},
               {"MEM", Align::kRight},
               {"DISK", Align::kRight},
               {"REQUESTS", Align::kRight},
               {"COPIES", Align::kRight},
               {"BYTES", Align::kRight},
               {"REPORT", Align::kRight}});
  for (const api::EngineRow& engine : farm.engines()) {
    std::vector<Cell> cells = {engine.name(), StatusCell(engine)};
    for (Cell& cell : LoadCells(engine)) cells.push_back(std::move(cell));
    cells.emplace_back(ReadableCount(engine.assets()));
    cells.emplace_back(ReadableBytes(engine.asset_bytes()));
    cells.push_back(ReportCell(engine.report_age_s()));
    table.AddRow(std::move(cells));
  }
  return table;
}

// Below the table, where they need not be cut.
std::string RemarkText(const Terminal& terminal, const api::ShowFarmReply& farm) {
  std::string text;
  for (const api::EngineRow& engine : farm.engines()) {
    const std::string remark = RemarkOn(engine);
    if (remark.empty()) continue;
    text += terminal.Paint(Printable(engine.name()), ColourOfStatus(engine.status())) + ": " +
            Printable(remark) + "\n";
  }
  return text.empty() ? text : "\n" + text;
}

std::string FarmText(const Terminal& terminal, const api::ShowFarmReply& farm) {
  std::string text = terminal.Paint(Printable(farm.scope()), Colour::kBold) + "  manager " +
                     Printable(farm.manager()) + ", " +
                     Counted(static_cast<uint64_t>(farm.engines_size()), "engine", "engines") +
                     ", " + Counted(farm.contents(), "content", "contents") + ", view " +
                     std::to_string(farm.view()) + ", commit " +
                     ReadableCount(farm.commit_number()) + "\n";
  if (!farm.has_quorum()) {
    text += terminal.Paint("No quorum: nothing commits, the farm only reads.", Colour::kRed) + "\n";
  }
  if (farm.engines().empty()) return text + "No engine has registered yet.\n";
  return text + "\n" + EngineTable(farm).Render(terminal.style()) + RemarkText(terminal, farm);
}

Cell VerdictCell(const api::MemberDigest& member) {
  if (member.equal()) return {member.light() ? "light" : "equal", Colour::kGreen};
  if (member.digest().empty()) return {"no answer", Colour::kYellow};
  return {"different", Colour::kRed};
}

}  // namespace

ExitCode ShowFarm(Terminal& terminal, ManagerClient& manager) {
  const StatusOr<api::ShowFarmReply> farm = manager.ShowFarm();
  if (!farm.ok()) return Fail(terminal, farm.status());
  terminal.out << (terminal.json ? JsonOf(*farm) : FarmText(terminal, *farm));
  return ExitCode::kOk;
}

ExitCode WatchFarm(Terminal& terminal, ManagerClient& manager) {
  return Watch(terminal, [&]() -> StatusOr<std::string> {
    STRATA_ASSIGN_OR_RETURN(const api::ShowFarmReply farm, manager.ShowFarm());
    return terminal.json ? JsonLineOf(farm) : FarmText(terminal, farm);
  });
}

ExitCode VerifyFarm(Terminal& terminal, ManagerClient& manager) {
  const StatusOr<api::VerifyFarmReply> reply = manager.VerifyFarm();
  if (!reply.ok()) return Fail(terminal, reply.status());
  const ExitCode code = reply->equal() ? ExitCode::kOk : ExitCode::kNotComplete;
  if (terminal.json) {
    terminal.out << JsonOf(*reply);
    return code;
  }
  Table table({{"MEMBER"}, {"TABLE"}, {"DIGEST"}, {"REMARKS"}});
  for (const api::MemberDigest& member : reply->members()) {
    table.AddRow({member.name(), VerdictCell(member), member.digest(), member.problem()});
  }
  if (!table.empty()) terminal.out << table.Render(terminal.style()) << "\n";
  terminal.out << "At commit " << ReadableCount(reply->commit_number())
               << " the manager's table is " << Printable(reply->digest()) << ".\n"
               << (reply->equal()
                       ? terminal.Paint("All members hold the same table.", Colour::kGreen)
                       : terminal.Paint("Not all members hold the same table.", Colour::kRed))
               << "\n";
  return code;
}

ExitCode ListEngines(Terminal& terminal, ManagerClient& manager) {
  const StatusOr<api::ShowFarmReply> farm = manager.ShowFarm();
  if (!farm.ok()) return Fail(terminal, farm.status());
  if (terminal.json) {
    for (const api::EngineRow& engine : farm->engines()) terminal.out << JsonLineOf(engine);
    return ExitCode::kOk;
  }
  Table table({{"ENGINE"},
               {"ID", Align::kRight},
               {"STATUS"},
               {"CLIENTS"},
               {"PEERS"},
               {"OUT AT MOST", Align::kRight},
               {"STORAGE", Align::kRight},
               {"REGISTRATION", Align::kRight},
               {"REMARKS"}});
  for (const api::EngineRow& engine : farm->engines()) {
    const api::Capacity& capacity = engine.capacity();
    table.AddRow({engine.name(), std::to_string(engine.id()), StatusCell(engine),
                  Joined(engine.clients()), Joined(engine.peers()),
                  capacity.bandwidth_out() == 0 ? "" : ReadableRate(capacity.bandwidth_out()),
                  capacity.storage() == 0 ? "" : ReadableBytes(capacity.storage()),
                  std::to_string(engine.registration()), RemarkOn(engine)});
  }
  terminal.out << (table.empty() ? "No engine has registered yet.\n"
                                 : table.Render(terminal.style()));
  return ExitCode::kOk;
}

ExitCode RemoveEngine(Terminal& terminal, ManagerClient& manager, const std::string& engine) {
  const Status done = manager.RemoveEngine(engine);
  if (!done.ok()) return Fail(terminal, WithEngineMeant(manager, engine, done));
  if (terminal.json) {
    terminal.out << JsonOf(api::RemoveEngineReply());
  } else {
    terminal.out << engine << " is removed. It may register again as long as its certificate is "
                 << "good; \"strata pki revoke\" ends that.\n";
  }
  return ExitCode::kOk;
}

}  // namespace strata::cli

#include "service_manager/site_flow/flow_messages.h"

#include <utility>

#include "common/number.h"
#include "common/version.h"
#include "farm/content_identity.h"
#include "farm/messages.h"
#include "service_manager/site_flow/limits.h"

namespace strata::manager::site_flow {
namespace {

using sites::EngineRow;
using sites::ScopeOutcome;
using sites::SiteRow;
using sites::SiteState;

SiteState FromProto(const v1::SiteState& state) {
  return {.home = state.home(), .version = state.version(), .position = state.position()};
}

EngineRow FromProto(const v1::EngineRow& engine) {
  return {.name = engine.name(),
          .away = engine.away(),
          .closed = engine.closed(),
          .version = engine.version(),
          .applied = engine.applied(),
          .problem_at = engine.problem_at(),
          .problem = engine.problem()};
}

SiteRow FromProto(const v1::SiteRow& row) {
  SiteRow out{.site = row.site(),
              .scope = row.scope(),
              .state = FromProto(row.state()),
              .problem = row.problem(),
              .engines = row.engines(),
              .serving = row.serving(),
              .applied = row.applied(),
              .all_up_to = row.all_up_to()};
  for (const v1::EngineRow& engine : row.behind()) out.behind.push_back(FromProto(engine));
  return out;
}

StatusOr<control::SiteVersion> SiteFrom(const v1::SiteNews& news) {
  if (news.yaml().size() > kYamlBytesMax || news.applied_by().size() > kByBytesMax) {
    return InvalidArgument("a site's file is longer than a message takes");
  }
  STRATA_ASSIGN_OR_RETURN(farm::Site site, farm::DecodeSite(AsBytes(news.site())));
  if (site.version == 0) return InvalidArgument("site %s has version 0", site.name.c_str());
  return control::SiteVersion{.site = std::move(site),
                              .yaml = news.yaml(),
                              .applied_by = news.applied_by(),
                              .applied_at_s = news.applied_at_s(),
                              .home = news.home()};
}

StatusOr<PurgeNews> PurgesFrom(const v1::PurgeNews& news) {
  PurgeNews out{.site = news.site(), .entries = {}};
  if (!farm::IsSiteName(out.site)) return InvalidArgument("purges of no site");
  uint64_t last = 0;
  for (const v1::PurgeEntry& from : news.entries()) {
    if (from.position() <= last)
      return InvalidArgument("purges of %s are out of order", out.site.c_str());
    last = from.position();
    if (static_cast<size_t>(from.uris_size()) > farm::kMaxPurgedKeys ||
        from.ordered_by().size() > kByBytesMax) {
      return InvalidArgument("purge %s is too long", PurgeId(out.site, last).c_str());
    }
    control::PurgeEntry entry{.purged = {out.site, last, {}},
                              .uris = {from.uris().begin(), from.uris().end()},
                              .ordered_by = from.ordered_by(),
                              .at_ms = from.at_ms()};
    for (const std::string& uri : entry.uris) {
      if (uri.size() > farm::kMaxCanonicalUriBytes) {
        return InvalidArgument("purge %s has a URI that is too long",
                               PurgeId(out.site, last).c_str());
      }
      entry.purged.keys.push_back(farm::KeyOf(uri));
    }
    out.entries.push_back(std::move(entry));
  }
  return out;
}

const char* WordOf(ScopeOutcome::Kind kind) {
  switch (kind) {
    case ScopeOutcome::Kind::kConfirmed:
      return "confirmed";
    case ScopeOutcome::Kind::kWaits:
      return "waits";
    case ScopeOutcome::Kind::kFailed:
      return "failed";
    case ScopeOutcome::Kind::kUnreachable:
      return "unreachable";
  }
  return "waits";
}

}  // namespace

v1::FollowerMessage ToMessage(const Hello& hello) {
  v1::FollowerMessage message;
  v1::FollowerHello& out = *message.mutable_hello();
  out.set_protocol(kSiteFlowProtocol);
  out.set_version(kVersion);
  out.set_scope(hello.child.scope);
  out.set_level(hello.child.level);
  out.set_epoch(hello.epoch);
  for (const auto& [site, state] : hello.held) {
    v1::HeldSite& held = *out.add_held();
    held.set_name(site);
    *held.mutable_state() = ToProto(state);
  }
  return message;
}

v1::FollowerMessage ToMessage(const sites::RowChanges& report) {
  v1::FollowerMessage message;
  v1::Report& out = *message.mutable_report();
  for (const sites::ScopeRow& row : report.scopes) *out.add_scopes() = ToProto(row);
  for (const SiteRow& row : report.rows) *out.add_rows() = ToProto(row);
  for (const auto& [site, scope] : report.gone) {
    v1::GoneRow& gone = *out.add_gone();
    gone.set_site(site);
    gone.set_scope(scope);
  }
  return message;
}

v1::NewsMessage ToWelcome(const federation::ScopeLevel& parent) {
  v1::NewsMessage message;
  message.mutable_welcome()->set_version(kVersion);
  message.mutable_welcome()->set_scope(parent.scope);
  message.mutable_welcome()->set_level(parent.level);
  return message;
}

v1::NewsMessage ToMessage(const News& news) {
  v1::NewsMessage message;
  if (news.site) {
    v1::SiteNews& site = *message.mutable_site();
    const Bytes bytes = farm::Encode(news.site->site);
    site.set_site(bytes.data(), bytes.size());
    site.set_home(news.site->home);
    site.set_yaml(news.site->yaml);
    site.set_applied_by(news.site->applied_by);
    site.set_applied_at_s(news.site->applied_at_s);
  } else if (news.purges) {
    v1::PurgeNews& purges = *message.mutable_purges();
    purges.set_site(news.purges->site);
    for (const control::PurgeEntry& entry : news.purges->entries) {
      v1::PurgeEntry& out = *purges.add_entries();
      out.set_position(entry.purged.position);
      for (const std::string& uri : entry.uris) out.add_uris(uri);
      out.set_ordered_by(entry.ordered_by);
      out.set_at_ms(entry.at_ms);
    }
  } else {
    message.set_removed(news.removed);
  }
  return message;
}

StatusOr<Hello> HelloFrom(const v1::FollowerMessage& first) {
  if (!first.has_hello()) return InvalidArgument("a stream that does not begin with a hello");
  const v1::FollowerHello& hello = first.hello();
  if (hello.protocol() != kSiteFlowProtocol) {
    return FailedPrecondition("sites flow by protocol %u here, and %.40s speaks %u: upgrade the %s",
                              kSiteFlowProtocol, hello.version().c_str(), hello.protocol(),
                              hello.protocol() < kSiteFlowProtocol ? "child" : "parent");
  }
  Hello out{.child = {.scope = hello.scope(), .level = hello.level()},
            .epoch = hello.epoch(),
            .held = {}};
  if (static_cast<size_t>(hello.held_size()) > control::kSitesMax) {
    return InvalidArgument("it has %d sites, more than there can be", hello.held_size());
  }
  for (const v1::HeldSite& held : hello.held()) {
    if (!farm::IsSiteName(held.name())) return InvalidArgument("it has a site without a name");
    out.held[held.name()] = FromProto(held.state());
  }
  return out;
}

StatusOr<federation::ScopeLevel> WelcomeFrom(const v1::NewsMessage& first) {
  if (!first.has_welcome()) return InvalidArgument("a stream that does not begin with a welcome");
  return federation::ScopeLevel{.scope = first.welcome().scope(), .level = first.welcome().level()};
}

sites::RowChanges FromProto(const v1::Report& report) {
  sites::RowChanges changes;
  for (const v1::ScopeRow& row : report.scopes()) {
    changes.scopes.push_back({.scope = row.scope(),
                              .level = row.level(),
                              .heard = row.heard(),
                              .caught_up = row.caught_up()});
  }
  for (const v1::SiteRow& row : report.rows()) changes.rows.push_back(FromProto(row));
  for (const v1::GoneRow& gone : report.gone()) {
    changes.gone.emplace_back(gone.site(), gone.scope());
  }
  return changes;
}

StatusOr<News> NewsFrom(const v1::NewsMessage& message) {
  News news;
  if (message.has_site()) {
    STRATA_ASSIGN_OR_RETURN(news.site, SiteFrom(message.site()));
  } else if (message.has_purges()) {
    STRATA_ASSIGN_OR_RETURN(news.purges, PurgesFrom(message.purges()));
  } else if (!farm::IsSiteName(message.removed())) {
    return InvalidArgument("news of no site");
  } else {
    news.removed = message.removed();
  }
  return news;
}

std::string PurgeId(const std::string& site, uint64_t position) {
  return site + "@" + std::to_string(position);
}

StatusOr<PurgeName> ParsePurgeId(const std::string& id) {
  const size_t at = id.find('@');
  PurgeName name;
  if (at != std::string::npos) {
    name.site = id.substr(0, at);
    name.position = ParseNumber<uint64_t>(std::string_view(id).substr(at + 1)).value_or(0);
  }
  if (name.position != 0 && farm::IsSiteName(name.site)) return name;
  return InvalidArgument("\"%.80s\" is no purge: they are called as films@12", id.c_str());
}

v1::SiteState ToProto(const SiteState& state) {
  v1::SiteState out;
  out.set_home(state.home);
  out.set_version(state.version);
  out.set_position(state.position);
  return out;
}

v1::SiteRow ToProto(const SiteRow& row) {
  v1::SiteRow out;
  out.set_site(row.site);
  out.set_scope(row.scope);
  *out.mutable_state() = ToProto(row.state);
  out.set_problem(row.problem);
  out.set_engines(row.engines);
  out.set_serving(row.serving);
  out.set_applied(row.applied);
  out.set_all_up_to(row.all_up_to);
  for (const EngineRow& engine : row.behind) *out.add_behind() = ToProto(engine);
  return out;
}

v1::ScopeRow ToProto(const sites::ScopeRow& row) {
  v1::ScopeRow out;
  out.set_scope(row.scope);
  out.set_level(row.level);
  out.set_heard(row.heard);
  out.set_caught_up(row.caught_up);
  return out;
}

v1::EngineRow ToProto(const EngineRow& engine) {
  v1::EngineRow out;
  out.set_name(engine.name);
  out.set_away(engine.away);
  out.set_closed(engine.closed);
  out.set_version(engine.version);
  out.set_applied(engine.applied);
  out.set_problem_at(engine.problem_at);
  out.set_problem(engine.problem);
  return out;
}

v1::ScopeOutcome ToProto(const ScopeOutcome& outcome) {
  v1::ScopeOutcome out;
  out.set_scope(outcome.scope);
  out.set_outcome(WordOf(outcome.kind));
  out.set_engines(outcome.engines);
  out.set_confirmed(outcome.confirmed);
  out.set_problem(outcome.problem);
  for (const EngineRow& engine : outcome.others) *out.add_others() = ToProto(engine);
  return out;
}

v1::PurgeReport ToReport(const control::PurgeEntry& entry) {
  v1::PurgeReport report;
  report.set_id(PurgeId(entry.purged.site, entry.purged.position));
  report.set_site(entry.purged.site);
  report.set_position(entry.purged.position);
  for (const std::string& uri : entry.uris) report.add_uris(uri);
  report.set_ordered_by(entry.ordered_by);
  report.set_at_ms(entry.at_ms);
  return report;
}

}  // namespace strata::manager::site_flow

#pragma once

#include <map>
#include <string>

#include "common/status.h"
#include "proto/site_flow.pb.h"
#include "service_manager/control/purge_journal.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/site_flow/flow_state.h"
#include "service_manager/sites/report_book.h"
#include "service_manager/sites/rows.h"

// What goes between managers about sites and purges, as types of their rooms. Pure, any thread.
// FromProto: InvalidArgument, naming what, for what ToProto would not write.
namespace strata::manager::site_flow {

namespace v1 = strata::manager::site_flow::v1;

struct Hello {
  federation::ScopeLevel child;
  uint64_t epoch = 0;
  std::map<std::string, sites::SiteState> held;

  friend bool operator==(const Hello&, const Hello&) = default;
};

v1::FollowerMessage ToMessage(const Hello& hello);
v1::FollowerMessage ToMessage(const sites::RowChanges& report);
v1::NewsMessage ToWelcome(const federation::ScopeLevel& parent);
v1::NewsMessage ToMessage(const News& news);

// The first message of the other side. FailedPrecondition: another version of the protocol.
StatusOr<Hello> HelloFrom(const v1::FollowerMessage& first);
StatusOr<federation::ScopeLevel> WelcomeFrom(const v1::NewsMessage& first);

sites::RowChanges FromProto(const v1::Report& report);
// A message that has one of the three.
StatusOr<News> NewsFrom(const v1::NewsMessage& message);

// "films@12", and back; InvalidArgument.
std::string PurgeId(const std::string& site, uint64_t position);
struct PurgeName {
  std::string site;
  uint64_t position = 0;
};
StatusOr<PurgeName> ParsePurgeId(const std::string& id);

v1::SiteState ToProto(const sites::SiteState& state);
v1::SiteRow ToProto(const sites::SiteRow& row);
v1::ScopeRow ToProto(const sites::ScopeRow& row);
v1::EngineRow ToProto(const sites::EngineRow& engine);
v1::ScopeOutcome ToProto(const sites::ScopeOutcome& outcome);
// Without scopes.
v1::PurgeReport ToReport(const control::PurgeEntry& entry);

}  // namespace strata::manager::site_flow

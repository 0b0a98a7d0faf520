#include "service_manager/rpc/administration_service.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "farm/director.h"
#include "multicast/driver/clock.h"
#include "service_manager/directory/location_reader.h"
#include "service_manager/rpc/copy_exchange.h"
#include "service_manager/rpc/rows.h"

namespace strata::manager::rpc {
namespace {

constexpr uint32_t kContentsDefault = 1000;
constexpr uint32_t kContentsMax = 10'000'000;
constexpr uint32_t kAuditDefault = 100;
constexpr Duration kEventWait = std::chrono::milliseconds(200);

std::string Joined(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : " ") + text;
  return all;
}

}  // namespace

grpc::Status AdministrationService::View(grpc::ServerContext& context,
                                         const std::function<Status()>& show) {
  const StatusOr<tls::Identity> caller = guard_.Admit(context, Guard::Right::kView);
  return ToGrpc(caller.ok() ? show() : caller.status());
}

grpc::Status AdministrationService::Order(
    grpc::ServerContext& context, const std::string& what,
    const std::function<Status(const std::string& by)>& order) {
  const StatusOr<tls::Identity> caller = guard_.Admit(context, Guard::Right::kOrder);
  // Where the record could not be written either: who leads takes both.
  const Status leads = control_.CheckOrders();
  if (caller.ok() && !leads.ok()) return ToGrpc(leads);
  const Status outcome = caller.ok() ? order(caller->name) : caller.status();
  const Status recorded = guard_.Record(context, what, outcome);
  return ToGrpc(outcome.ok() ? recorded : outcome);
}

grpc::Status AdministrationService::ShowFarm(grpc::ServerContext* context,
                                             const v1::ShowFarmRequest*, v1::ShowFarmReply* reply) {
  return View(*context, [&] {
    reply->set_scope(control_.options().scope);
    reply->set_manager(control_.options().name);
    reply->set_has_quorum(control_.member().InTouch());
    const multicast::View view = control_.member().view();
    reply->set_view(view.number);
    std::set<farm::EngineId> light;
    for (const multicast::MemberInfo& member : view.members) {
      if (member.light) light.insert(farm::EngineId(member.id.value()));
    }
    std::map<std::string, v1::EngineRow> rows;
    std::set<std::string> draining;
    const auto settings = control_.director();
    control_.member().Read([&](const farm::TableReplica& replica) {
      const Timestamp now = multicast::Now();
      reply->set_commit_number(replica.commit_number());
      reply->set_contents(replica.table().contents());
      for (const auto& [id, row] : replica.table().rows()) {
        rows[row.engine.name] = ToRow(replica.table(), row, settings->weights, now);
        rows[row.engine.name].set_light(light.contains(id));
        if (row.draining) draining.insert(row.engine.name);
      }
    });
    for (auto& [name, row] : rows) {
      if (draining.contains(name)) {
        PutDrain(drains_.Find(farm::EngineId(row.id())), row.mutable_drain());
      }
      reply->add_engines()->Swap(&row);
    }
    return Ok();
  });
}

grpc::Status AdministrationService::VerifyFarm(grpc::ServerContext* context,
                                               const v1::VerifyFarmRequest*,
                                               v1::VerifyFarmReply* reply) {
  return View(*context, [&]() -> Status {
    STRATA_ASSIGN_OR_RETURN(const control::Orders::Verification result, orders_.Verify());
    reply->set_commit_number(result.commit_number);
    reply->set_digest(result.digest);
    reply->set_equal(result.equal);
    for (const control::Orders::MemberDigest& member : result.members) {
      v1::MemberDigest* added = reply->add_members();
      added->set_name(member.name);
      added->set_digest(member.digest);
      added->set_equal(member.equal);
      added->set_problem(member.problem);
      added->set_light(member.light);
    }
    return Ok();
  });
}

grpc::Status AdministrationService::Locate(grpc::ServerContext* context,
                                           const v1::LocateRequest* request,
                                           v1::LocateReply* reply) {
  return View(*context, [&] { return FillLocate(request->uri(), reply); });
}

Status AdministrationService::FillLocate(const std::string& uri, v1::LocateReply* reply) {
  STRATA_ASSIGN_OR_RETURN(const control::Orders::Named named, orders_.Name(uri));
  reply->set_site(named.site.name);
  reply->set_canonical_uri(named.canonical);
  reply->set_key(ToString(named.key));
  const auto settings = control_.director();
  control_.member().Read([&](const farm::TableReplica& replica) {
    const farm::StateTable& table = replica.table();
    const Timestamp now = multicast::Now();
    const farm::Director director(table, *settings);
    const std::vector<farm::Candidate> ranked = director.Holders(named.key, 0, now);
    for (const farm::Candidate& candidate : ranked) {
      *reply->add_copies() = ToCopy(table, candidate, named.key, now);
    }
    // Those that nobody is sent to stand behind.
    const farm::StateTable::Holders* holders = table.FindHolders(named.key);
    for (const farm::EngineId id : holders == nullptr ? farm::StateTable::Holders() : *holders) {
      const auto is = [id](const farm::Candidate& c) { return c.engine == id; };
      if (std::any_of(ranked.begin(), ranked.end(), is)) continue;
      farm::Candidate other;
      other.engine = id;
      other.status = table.StatusOf(*table.Find(id), now);
      other.load_factor = farm::LoadFactor(*table.Find(id), settings->weights);
      *reply->add_copies() = ToCopy(table, other, named.key, now);
    }
    for (const farm::Candidate& filler : director.Fillers(named.key, now)) {
      reply->add_fillers(table.Find(filler.engine)->engine.name);
    }
  });
  return Ok();
}

grpc::Status AdministrationService::ListContent(grpc::ServerContext* context,
                                                const v1::ListContentRequest* request,
                                                grpc::ServerWriter<v1::Content>* writer) {
  return View(*context, [&] { return WriteContent(*request, writer); });
}

Status AdministrationService::WriteContent(const v1::ListContentRequest& request,
                                           grpc::ServerWriter<v1::Content>* writer) {
  std::map<farm::EngineId, std::string> names;
  control_.member().Read([&](const farm::TableReplica& replica) {
    for (const auto& [id, row] : replica.table().rows()) names[id] = row.engine.name;
  });
  const auto is_named = [&](const auto& each) { return each.second == request.engine(); };
  if (!request.engine().empty() && std::none_of(names.begin(), names.end(), is_named)) {
    return NotFound("there is no engine %s", request.engine().c_str());
  }
  std::string front;
  if (!request.site().empty()) {
    STRATA_ASSIGN_OR_RETURN(const control::SiteVersion site,
                            control_.sites().Find(request.site(), 0));
    front = "http://" + site.site.hosts.front() + "/";
  }
  STRATA_ASSIGN_OR_RETURN(auto reader, directory::LocationReader::Register(index_));
  uint32_t left = std::min(request.limit() == 0 ? kContentsDefault : request.limit(), kContentsMax);
  for (uint32_t part = 0; part < directory::kParts && left > 0; ++part) {
    std::vector<std::pair<farm::ContentKey, std::vector<directory::Location>>> contents;
    {
      directory::LocationReader::Session session(reader);
      session.VisitPart(
          part, [&](const farm::ContentKey& key, std::span<const directory::Location> locations) {
            contents.emplace_back(key, std::vector(locations.begin(), locations.end()));
          });
    }
    for (const auto& [key, locations] : contents) {
      v1::Content content;
      for (const directory::Location& location : locations) {
        const auto name = names.find(farm::EngineId(location.holder.value()));
        if (name != names.end()) content.add_engines(name->second);
      }
      const auto& engines = content.engines();
      if (!request.engine().empty() &&
          std::find(engines.begin(), engines.end(), request.engine()) == engines.end()) {
        continue;
      }
      STRATA_ASSIGN_OR_RETURN(const auto uri, control_.store().FindUri(key));
      if (!front.empty() && (!uri || !uri->starts_with(front))) continue;
      content.set_key(ToString(key));
      content.set_uri(uri.value_or(""));
      STRATA_ASSIGN_OR_RETURN(const auto stored,
                              control_.store().FindLocation(key, locations.front().holder));
      if (stored) content.set_size(stored->size_bytes);
      if (!writer->Write(content)) return Ok();  // Nobody listens any more.
      if (--left == 0) break;
    }
  }
  return Ok();
}

grpc::Status AdministrationService::PurgeContent(grpc::ServerContext* context,
                                                 const v1::PurgeContentRequest* request,
                                                 v1::PurgeContentReply* reply) {
  return Order(*context, "purge " + Joined(request->uris()), [&](const std::string& by) -> Status {
    reply->set_complete(true);
    STRATA_ASSIGN_OR_RETURN(const std::vector<std::string> uris, PurgeInTree(*request, by, reply));
    if (uris.empty() && !request->uris().empty()) return Ok();
    STRATA_ASSIGN_OR_RETURN(const auto outcomes, orders_.Purge(uris, by));
    bool complete = reply->complete();
    for (const control::Orders::PurgeOutcome& outcome : outcomes) {
      *reply->add_purges() = ToPurge(outcome);
      for (const auto& engine : outcome.engines) complete = complete && engine.confirmed;
    }
    reply->set_complete(complete);
    return Ok();
  });
}

StatusOr<std::vector<std::string>> AdministrationService::PurgeInTree(
    const v1::PurgeContentRequest& request, const std::string& by, v1::PurgeContentReply* reply) {
  std::vector<std::string> others;
  std::map<std::string, std::vector<std::string>> by_site;  // Canonical.
  for (const std::string& uri : request.uris()) {
    // What has no name is refused by the farm's own orders.
    const StatusOr<control::Orders::Named> named = orders_.Name(uri);
    bool takes = false;
    if (named.ok() && tree_.takes != nullptr) {
      STRATA_ASSIGN_OR_RETURN(takes, tree_.takes(named->site.name));
    }
    if (!takes) {
      others.push_back(uri);
      continue;
    }
    std::vector<std::string>& uris = by_site[named->site.name];
    if (std::find(uris.begin(), uris.end(), named->canonical) == uris.end()) {
      uris.push_back(named->canonical);
    }
  }
  if (static_cast<size_t>(request.uris_size()) > control::kPurgeUrisMax) {
    return InvalidArgument("a purge takes 1 to %zu URIs, not %d", control::kPurgeUrisMax,
                           request.uris_size());
  }
  for (const std::string& uri : others) {
    // All are looked at before the first one is purged.
    const StatusOr<control::Orders::Named> named = orders_.Name(uri);
    if (!named.ok() && !by_site.empty()) {
      return MakeStatus(named.status().code(), uri + ": " + MessageOf(named.status()));
    }
  }
  for (const auto& [site, uris] : by_site) {
    STRATA_ASSIGN_OR_RETURN(v1::Purge purge, tree_.purge(site, uris, by));
    for (const v1::ScopeConfirmation& scope : purge.scopes()) {
      if (scope.outcome() != "confirmed") reply->set_complete(false);
    }
    *reply->add_purges() = std::move(purge);
  }
  return others;
}

grpc::Status AdministrationService::DrainEngine(grpc::ServerContext* context,
                                                const v1::DrainEngineRequest* request,
                                                v1::DrainEngineReply*) {
  const std::string what = (request->draining() ? "drain " : "undrain ") + request->engine();
  return Order(*context, what, [&](const std::string&) {
    const Status ordered = orders_.Drain(request->engine(), request->draining());
    if (ordered.ok()) drains_.LookNow();
    return ordered;
  });
}

grpc::Status AdministrationService::RemoveEngine(grpc::ServerContext* context,
                                                 const v1::RemoveEngineRequest* request,
                                                 v1::RemoveEngineReply*) {
  return Order(*context, "remove engine " + request->engine(),
               [&](const std::string&) { return orders_.RemoveEngine(request->engine()); });
}

grpc::Status AdministrationService::ListSites(grpc::ServerContext* context,
                                              const v1::ListSitesRequest*,
                                              v1::ListSitesReply* reply) {
  return View(*context, [&] {
    for (const control::SiteVersion& site : control_.sites().sites()) {
      *reply->add_sites() = ToSummary(site);
    }
    return Ok();
  });
}

grpc::Status AdministrationService::GetSite(grpc::ServerContext* context,
                                            const v1::GetSiteRequest* request,
                                            v1::GetSiteReply* reply) {
  return View(*context, [&]() -> Status {
    STRATA_ASSIGN_OR_RETURN(const control::SiteVersion site,
                            control_.sites().Find(request->name(), request->version()));
    *reply->mutable_summary() = ToSummary(site);
    reply->set_yaml(site.yaml);
    STRATA_ASSIGN_OR_RETURN(const auto versions, control_.sites().Versions(request->name()));
    for (const control::SiteVersion& version : versions) {
      *reply->add_versions() = ToSummary(version);
    }
    return Ok();
  });
}

grpc::Status AdministrationService::ApplySite(grpc::ServerContext* context,
                                              const v1::ApplySiteRequest* request,
                                              v1::ApplySiteReply* reply) {
  const auto apply = [&](const std::string& by) -> Status {
    STRATA_ASSIGN_OR_RETURN(
        const control::Orders::SiteOutcome outcome,
        orders_.ApplySite(request->file_name(), request->yaml(), by, request->dry_run()));
    PutOutcome(outcome, reply);
    return Ok();
  };
  if (request->dry_run()) return View(*context, [&] { return apply(""); });
  return Order(*context, "apply site file " + request->file_name(), apply);
}

grpc::Status AdministrationService::RollbackSite(grpc::ServerContext* context,
                                                 const v1::RollbackSiteRequest* request,
                                                 v1::ApplySiteReply* reply) {
  return Order(*context, "roll back site " + request->name(), [&](const std::string& by) -> Status {
    STRATA_ASSIGN_OR_RETURN(const control::Orders::SiteOutcome outcome,
                            orders_.RollbackSite(request->name(), request->version(), by));
    PutOutcome(outcome, reply);
    return Ok();
  });
}

grpc::Status AdministrationService::RemoveSite(grpc::ServerContext* context,
                                               const v1::RemoveSiteRequest* request,
                                               v1::RemoveSiteReply*) {
  return Order(*context, "remove site " + request->name(),
               [&](const std::string&) { return orders_.RemoveSite(request->name()); });
}

grpc::Status AdministrationService::ListAudit(grpc::ServerContext* context,
                                              const v1::ListAuditRequest* request,
                                              v1::ListAuditReply* reply) {
  const StatusOr<tls::Identity> caller = guard_.Admit(*context, Guard::Right::kOrder);
  if (!caller.ok()) return ToGrpc(caller.status());
  const auto entries =
      control_.audit().Last(request->limit() == 0 ? kAuditDefault : request->limit());
  if (!entries.ok()) return ToGrpc(entries.status());
  for (const control::AuditEntry& entry : *entries) {
    v1::AuditRecord* added = reply->add_records();
    added->set_position(entry.position);
    added->set_at_ms(entry.at_ms);
    added->set_who(entry.who);
    added->set_from(entry.from);
    added->set_what(entry.what);
    added->set_outcome(entry.outcome);
  }
  return grpc::Status::OK;
}

grpc::Status AdministrationService::FollowEvents(grpc::ServerContext* context,
                                                 const v1::FollowEventsRequest* request,
                                                 grpc::ServerWriter<v1::Event>* writer) {
  return View(*context, [&]() -> Status {
    uint64_t last = control_.events().last();
    for (const control::FarmEvent& event : control_.events().Recent(request->recent())) {
      writer->Write(ToEvent(event));
      last = std::max(last, event.number);
    }
    while (request->follow() && !stop_ && !context->IsCancelled()) {
      // A certificate may be revoked while the stream is open.
      STRATA_RETURN_IF_ERROR(guard_.Admit(*context, Guard::Right::kView));
      for (const control::FarmEvent& event : control_.events().After(last, kEventWait)) {
        if (!writer->Write(ToEvent(event))) return Ok();
        last = event.number;
      }
    }
    return Ok();
  });
}

}  // namespace strata::manager::rpc

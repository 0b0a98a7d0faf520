#include "service_manager/control/orders.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "multicast/driver/clock.h"
#include "service_manager/rpc/site_file.h"

namespace strata::manager::control {

Orders::Present Orders::WhoIsThere() const {
  Present present;
  control_.member().Read([&](const farm::TableReplica& replica) {
    for (const auto& [id, row] : replica.table().rows()) {
      present.names[id] = row.engine.name;
      if (row.in_view) {
        present.ids.push_back(id);
      } else {
        present.away.push_back(row.engine.name);
      }
    }
  });
  return present;
}

StatusOr<Orders::Named> Orders::Name(const std::string& uri) const {
  STRATA_ASSIGN_OR_RETURN(const farm::UriParts parts, farm::SplitUri(uri));
  STRATA_ASSIGN_OR_RETURN(const std::string host, farm::CanonicalHost(parts.host));
  Named named;
  STRATA_ASSIGN_OR_RETURN(named.site, control_.sites().SiteOf(host));
  STRATA_RETURN_IF_ERROR(farm::CanonicalUri(named.site.hosts.front(), parts.target,
                                            named.site.query, named.canonical));
  named.key = farm::KeyOf(named.canonical);
  return named;
}

// ---- Sites.

StatusOr<Orders::SiteOutcome> Orders::ApplySite(const std::string& file_name,
                                                const std::string& yaml, const std::string& by,
                                                bool dry_run) {
  STRATA_ASSIGN_OR_RETURN(const farm::Site site, ReadSiteFile(file_name, yaml));
  if (dry_run) {
    STRATA_ASSIGN_OR_RETURN(SiteDesk::Plan plan, control_.sites().Look(site));
    plan.site.version = plan.present;
    return SiteOutcome{plan.site, plan.differences, {}};
  }
  STRATA_RETURN_IF_ERROR(control_.CheckLeads());
  STRATA_RETURN_IF_ERROR(CheckUnderstood(site));
  absl::MutexLock lock(&site_order_);
  STRATA_ASSIGN_OR_RETURN(const SiteDesk::Plan plan, control_.sites().Apply(site, yaml, by));
  return TellSite(plan, by, true);
}

Status Orders::CheckUnderstood(const farm::Site& site) const {
  const uint8_t needed = farm::VersionOf(farm::SiteApplied{farm::ForMembers(site)});
  const uint8_t spoken = control_.member().spoken_version();
  if (needed <= spoken) return Ok();
  return FailedPrecondition(
      "site %s says what members of the farm do not understand: it needs all of them to speak "
      "version %u, and one speaks %u (upgrade them first; strata_farm_version)",
      site.name.c_str(), unsigned{needed}, unsigned{spoken});
}

StatusOr<Orders::SiteOutcome> Orders::RollbackSite(const std::string& name, uint64_t version,
                                                   const std::string& by) {
  STRATA_RETURN_IF_ERROR(control_.CheckLeads());
  absl::MutexLock lock(&site_order_);
  STRATA_ASSIGN_OR_RETURN(const SiteDesk::Plan plan, control_.sites().Rollback(name, version, by));
  return TellSite(plan, by, false);
}

StatusOr<Orders::SiteOutcome> Orders::TellSite(const SiteDesk::Plan& plan, const std::string& by,
                                               bool may_return) {
  const farm::Site& site = plan.site;
  if (site.version == plan.present) return SiteOutcome{site, {}, {}};
  const auto waiter =
      control_.confirmations().Expect({Confirmations::Kind::kSite, site.name, site.version});
  const Status told =
      control_.member().SendAndWait(farm::SiteApplied{farm::ForMembers(site)}, limits_.other);
  if (!told.ok()) {
    control_.Tell();
    return Unavailable("version %llu of site %s is recorded, but not told to all yet: %s",
                       static_cast<unsigned long long>(site.version), site.name.c_str(),
                       MessageOf(told).c_str());
  }
  Present present = WhoIsThere();
  const Confirmations::Answers answers = waiter->Wait(present.ids, limits_.site);
  SiteOutcome outcome{site, plan.differences, present.away};
  for (const farm::EngineId engine : present.ids) {
    const auto answer = answers.find(engine);
    if (answer == answers.end()) {
      outcome.away.push_back(present.names[engine]);
    } else if (!answer->second.problem.empty()) {
      const std::string problem = present.names[engine] + ": " + answer->second.problem;
      if (may_return && plan.present != 0) {
        STRATA_ASSIGN_OR_RETURN(const SiteDesk::Plan back,
                                control_.sites().Rollback(site.name, plan.present, by));
        (void)TellSite(back, by, false);
        return FailedPrecondition("site %s is as it was before, since a server refused it: %s",
                                  site.name.c_str(), problem.c_str());
      }
      return FailedPrecondition("a server refuses site %s: %s", site.name.c_str(), problem.c_str());
    }
  }
  std::sort(outcome.away.begin(), outcome.away.end());
  control_.events().Add(
      "site", "version " + std::to_string(site.version) + " of " + site.name + " applied by " + by);
  return outcome;
}

Status Orders::RemoveSite(const std::string& name) {
  STRATA_RETURN_IF_ERROR(control_.CheckLeads());
  absl::MutexLock lock(&site_order_);
  STRATA_RETURN_IF_ERROR(control_.sites().Remove(name));
  const Status told = control_.member().SendAndWait(farm::SiteRemoved{name}, limits_.other);
  if (!told.ok()) {
    control_.Tell();
    return told;
  }
  control_.events().Add("site", name + " removed");
  return Ok();
}

// ---- Purges.

StatusOr<std::vector<Orders::PurgeOutcome>> Orders::Purge(const std::vector<std::string>& uris,
                                                          const std::string& by) {
  if (uris.empty() || uris.size() > kPurgeUrisMax) {
    return InvalidArgument("a purge takes 1 to %zu URIs, not %zu", kPurgeUrisMax, uris.size());
  }
  STRATA_RETURN_IF_ERROR(control_.CheckLeads());
  struct Part {
    std::vector<farm::ContentKey> keys;
    std::vector<std::string> uris;
  };
  std::map<std::string, Part> parts;
  for (const std::string& uri : uris) {
    StatusOr<Named> named = Name(uri);
    if (!named.ok()) {
      return MakeStatus(named.status().code(), uri + ": " + MessageOf(named.status()));
    }
    const StatusOr<SiteVersion> version = control_.sites().Find(named->site.name, 0);
    STRATA_RETURN_IF_ERROR(version);
    if (!version->home.empty()) {
      return FailedPrecondition("%s: site %s belongs to %s: it is purged there", uri.c_str(),
                                named->site.name.c_str(), version->home.c_str());
    }
    Part& part = parts[named->site.name];
    if (std::find(part.keys.begin(), part.keys.end(), named->key) != part.keys.end()) continue;
    part.keys.push_back(named->key);
    part.uris.push_back(named->canonical);
  }
  std::vector<PurgeOutcome> outcomes;
  for (const auto& [site, part] : parts) {
    // The farm hears of entries in the order of their positions; it confirms them in any order.
    StatusOr<farm::Purged> entry = Internal("not appended");
    std::unique_ptr<Confirmations::Waiter> waiter;
    Status told;
    {
      absl::MutexLock lock(&purge_order_);
      entry = control_.purges().Append(site, part.keys, part.uris, by);
      STRATA_RETURN_IF_ERROR(entry);
      waiter =
          control_.confirmations().Expect({Confirmations::Kind::kPurge, site, entry->position});
      told = control_.member().Send(*entry);
    }
    if (!told.ok()) control_.Tell();
    outcomes.push_back(Await(*waiter, *entry, part.uris, told));
  }
  return outcomes;
}

void Orders::AwaitClosed(Duration limit) {
  const Present present = WhoIsThere();
  Duration wait = Duration::zero();
  for (const auto& [id, name] : present.names) {
    if (std::find(present.ids.begin(), present.ids.end(), id) != present.ids.end()) continue;
    wait = std::max(wait, limits_.closes - control_.AwayFor(id));
  }
  wait = std::min(wait, limit);
  if (wait > Duration::zero()) control_.confirmations().Pause(wait);
}

Orders::PurgeOutcome Orders::Await(Confirmations::Waiter& waiter, const farm::Purged& entry,
                                   const std::vector<std::string>& uris, const Status& told) {
  PurgeOutcome outcome{entry.site, entry.position, uris, {}};
  Confirmations::Answers answers;
  if (told.ok()) {
    const Timestamp end = multicast::Now() + purge_wait_.load();
    waiter.Wait(WhoIsThere().ids, purge_wait_);
    AwaitClosed(end - multicast::Now());
    answers = waiter.Wait({}, Duration::zero());
  }
  Present present = WhoIsThere();  // Somebody may have gone meanwhile.
  for (const auto& [id, name] : present.names) {
    PurgeConfirmation confirmation;
    confirmation.engine = name;
    const auto answer = answers.find(id);
    const bool there = std::find(present.ids.begin(), present.ids.end(), id) != present.ids.end();
    if (answer != answers.end()) {
      confirmation.confirmed = answer->second.problem.empty();
      confirmation.dropped = answer->second.dropped;
      confirmation.problem = answer->second.problem;
    } else if (!there) {
      const bool closed = control_.AwayFor(id) >= limits_.closes;
      confirmation.problem = closed ? "away; it purges before it serves again"
                                    : "away, and may serve what it has for a moment yet";
    } else {
      confirmation.problem = "no answer within the time; the order stands";
    }
    outcome.engines.push_back(std::move(confirmation));
  }
  std::sort(outcome.engines.begin(), outcome.engines.end(),
            [](const auto& a, const auto& b) { return a.engine < b.engine; });
  control_.events().Add("purge", std::to_string(uris.size()) + " of " + entry.site +
                                     " at position " + std::to_string(entry.position) + ": " +
                                     uris.front());
  return outcome;
}

// ---- Engines.

Status Orders::Drain(const std::string& engine, bool draining) {
  STRATA_RETURN_IF_ERROR(control_.CheckLeads());
  STRATA_ASSIGN_OR_RETURN(const Registrar::Engine known, control_.registrar().Find(engine));
  STRATA_RETURN_IF_ERROR(control_.registrar().SetDraining(engine, draining));
  STRATA_RETURN_IF_ERROR(
      control_.member().SendAndWait(farm::DrainChanged{known.info.id, draining}, limits_.other));
  control_.events().Add("engine", engine + (draining ? " is drained" : " is not drained any more"));
  return Ok();
}

Status Orders::RemoveEngine(const std::string& engine) {
  STRATA_RETURN_IF_ERROR(control_.CheckLeads());
  STRATA_ASSIGN_OR_RETURN(const Registrar::Engine known, control_.registrar().Find(engine));
  const Present present = WhoIsThere();
  if (std::find(present.ids.begin(), present.ids.end(), known.info.id) != present.ids.end()) {
    return FailedPrecondition("engine %s is running: stop it, or revoke its certificate, first",
                              engine.c_str());
  }
  STRATA_RETURN_IF_ERROR(control_.registrar().Remove(engine));
  STRATA_RETURN_IF_ERROR(
      control_.member().SendAndWait(farm::EngineRemoved{known.info.id}, limits_.other));
  control_.events().Add("engine", engine + " removed");
  return Ok();
}

StatusOr<Orders::Verification> Orders::Verify() {
  STRATA_RETURN_IF_ERROR(control_.CheckLeads());
  uint64_t number = 0;
  {
    absl::MutexLock lock(&site_order_);
    number = random_.Next();
  }
  const auto waiter = control_.confirmations().Expect({Confirmations::Kind::kDigest, "", number});
  STRATA_RETURN_IF_ERROR(control_.member().SendAndWait(farm::DigestAsked{number}, limits_.other));
  const Present present = WhoIsThere();
  const Confirmations::Answers answers = waiter->Wait(present.ids, limits_.other);
  const StatusOr<DigestWatch::Own> own = control_.DigestOf(number);
  STRATA_RETURN_IF_ERROR(own);
  Verification result;
  result.commit_number = own->commit_number;
  result.digest = own->digest.ToString();
  result.equal = true;
  for (const auto& [id, name] : present.names) {
    MemberDigest member;
    member.name = name;
    const auto answer = answers.find(id);
    const bool there = std::find(present.ids.begin(), present.ids.end(), id) != present.ids.end();
    if (answer != answers.end()) {
      member.digest = answer->second.digest.ToString();
      const auto light = own->light.find(id);
      member.light = light != own->light.end();
      member.equal = answer->second.digest == (member.light ? light->second : own->digest);
      if (!member.equal) member.problem = "its state is another one";
    } else {
      member.problem = there ? "no answer" : "away";
    }
    if (there && !member.equal) result.equal = false;
    result.members.push_back(std::move(member));
  }
  std::sort(result.members.begin(), result.members.end(),
            [](const MemberDigest& a, const MemberDigest& b) { return a.name < b.name; });
  return result;
}

}  // namespace strata::manager::control

#include "service_manager/control/site_desk.h"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>

#include "common/wall_clock.h"
#include "proto/manager_store.pb.h"
#include "service_manager/control/purge_journal.h"

namespace strata::manager::control {
namespace {

namespace stored = strata::manager::store::v1;

constexpr char kSites[] = "sites";
constexpr char kVersions[] = "site_versions";
constexpr char kMarks[] = "site_marks";

std::string VersionKey(const std::string& name, uint64_t version) {
  char digits[24];
  std::snprintf(digits, sizeof(digits), "/%020llu", static_cast<unsigned long long>(version));
  return name + digits;
}

std::string Record(const SiteVersion& version) {
  stored::StoredSite record;
  const Bytes site = Encode(version.site);
  record.set_site(site.data(), site.size());
  record.set_yaml(version.yaml);
  record.set_applied_by(version.applied_by);
  record.set_applied_at_s(version.applied_at_s);
  record.set_home(version.home);
  return record.SerializeAsString();
}

StatusOr<SiteVersion> ReadRecord(std::string_view key, std::string_view value) {
  stored::StoredSite record;
  if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return DataLoss("the store's record of site %s cannot be read", std::string(key).c_str());
  }
  const StatusOr<farm::Site> site = farm::DecodeSite(AsBytes(record.site()));
  if (!site.ok()) {
    return DataLoss("the store's record of site %s: %s", std::string(key).c_str(),
                    MessageOf(site.status()).c_str());
  }
  return SiteVersion{*site, record.yaml(), record.applied_by(), record.applied_at_s(),
                     record.home()};
}

std::string MarkRecord(uint64_t version) {
  stored::SiteMark mark;
  mark.set_version(version);
  return mark.SerializeAsString();
}

Status BelongsTo(const std::string& name, const std::string& home) {
  return FailedPrecondition("site %s belongs to %s: it is changed there", name.c_str(),
                            home.c_str());
}

}  // namespace

StatusOr<std::unique_ptr<SiteDesk>> SiteDesk::Open(store::Store& store) {
  auto desk = std::unique_ptr<SiteDesk>(new SiteDesk(store));
  absl::MutexLock lock(&desk->mutex_);
  STRATA_RETURN_IF_ERROR(desk->Load());
  return desk;
}

Status SiteDesk::Reload() {
  {
    SiteDesk fresh(store_);
    absl::MutexLock lock(&mutex_);
    absl::MutexLock lock_fresh(&fresh.mutex_);
    STRATA_RETURN_IF_ERROR(fresh.Load());
    sites_ = std::move(fresh.sites_);
    table_ = std::move(fresh.table_);
    marks_ = std::move(fresh.marks_);
  }
  TellChanged("");
  return Ok();
}

void SiteDesk::Observe(std::function<void(const std::string& name)> changed) {
  absl::MutexLock lock(&observer_mutex_);
  changed_ = std::move(changed);
}

void SiteDesk::TellChanged(const std::string& name) {
  absl::MutexLock lock(&observer_mutex_);
  if (changed_ != nullptr) changed_(name);
}

Status SiteDesk::Load() {
  Status status;
  STRATA_RETURN_IF_ERROR(store_.VisitTable(kMarks, [&](std::string_view key, std::string_view v) {
    mutex_.AssertHeld();  // The analysis does not look through the visit.
    stored::SiteMark mark;
    if (!mark.ParseFromArray(v.data(), static_cast<int>(v.size()))) {
      status = DataLoss("the store's mark of site %s cannot be read", std::string(key).c_str());
      return false;
    }
    marks_[std::string(key)] = mark.version();
    return true;
  }));
  STRATA_RETURN_IF_ERROR(status);
  STRATA_RETURN_IF_ERROR(store_.VisitTable(kSites, [&](std::string_view key, std::string_view v) {
    mutex_.AssertHeld();
    StatusOr<SiteVersion> version = ReadRecord(key, v);
    status = version.ok() ? table_.Apply(version->site) : version.status();
    if (!status.ok()) return false;
    sites_[std::string(key)] = *std::move(version);
    return true;
  }));
  return status;
}

StatusOr<SiteDesk::Plan> SiteDesk::Look(const farm::Site& site) const {
  absl::MutexLock lock(&mutex_);
  return LookLocked(site);
}

StatusOr<SiteDesk::Plan> SiteDesk::LookLocked(const farm::Site& site) const {
  Plan plan;
  plan.site = site;
  const auto mark = marks_.find(site.name);
  plan.site.version = (mark == marks_.end() ? 0 : mark->second) + 1;
  STRATA_RETURN_IF_ERROR(CheckFree(site, ""));
  const auto it = sites_.find(site.name);
  const farm::Site before = it == sites_.end() ? farm::Site() : it->second.site;
  plan.present = before.version;
  plan.differences = DifferencesOf(before, plan.site);
  if (it == sites_.end() && sites_.size() >= kSitesMax) {
    return ResourceExhausted("there are %zu sites already", kSitesMax);
  }
  return plan;
}

Status SiteDesk::CheckFree(const farm::Site& site, const std::string& home) const {
  const auto it = sites_.find(site.name);
  if (it != sites_.end() && it->second.home != home) {
    if (home.empty()) return BelongsTo(site.name, it->second.home);
    return AlreadyExists("there is another site %s, of %s", site.name.c_str(),
                         it->second.home.empty() ? "this scope" : it->second.home.c_str());
  }
  for (const std::string& host : site.hosts) {
    const farm::Site* other = table_.FindByHost(host);
    if (other == nullptr || other->name == site.name) continue;
    const std::string& of = sites_.at(other->name).home;
    return AlreadyExists("host %s belongs to site %s%s%s", host.c_str(), other->name.c_str(),
                         of.empty() ? "" : " of ", of.c_str());
  }
  return Ok();
}

StatusOr<SiteDesk::Plan> SiteDesk::Apply(const farm::Site& site, const std::string& yaml,
                                         const std::string& by) {
  StatusOr<Plan> plan = Internal("not applied");
  {
    absl::MutexLock lock(&mutex_);
    plan = ApplyLocked(site, yaml, by);
  }
  if (plan.ok()) TellChanged(site.name);
  return plan;
}

StatusOr<SiteDesk::Plan> SiteDesk::ApplyLocked(const farm::Site& site, const std::string& yaml,
                                               const std::string& by) {
  STRATA_ASSIGN_OR_RETURN(Plan plan, LookLocked(site));
  if (plan.present != 0 && plan.differences.empty()) {
    plan.site.version = plan.present;
    return plan;
  }
  const std::string& name = site.name;
  const SiteVersion version{plan.site, yaml, by, WallClockSeconds()};
  store::IntentBatch batch;
  batch.puts.push_back({kSites, name, Record(version)});
  batch.puts.push_back({kVersions, VersionKey(name, plan.site.version), Record(version)});
  batch.puts.push_back({kMarks, name, MarkRecord(plan.site.version)});
  STRATA_ASSIGN_OR_RETURN(const std::vector<SiteVersion> versions, VersionsLocked(name));
  for (size_t i = kVersionsKept - 1; i < versions.size(); ++i) {
    batch.deletes.push_back({kVersions, VersionKey(name, versions[i].site.version)});
  }
  STRATA_RETURN_IF_ERROR(store_.Commit(batch));
  STRATA_RETURN_IF_ERROR(table_.Apply(plan.site));
  sites_[name] = version;
  marks_[name] = plan.site.version;
  return plan;
}

StatusOr<SiteDesk::Plan> SiteDesk::Rollback(const std::string& name, uint64_t version,
                                            const std::string& by) {
  StatusOr<Plan> plan = Internal("not applied");
  {
    absl::MutexLock lock(&mutex_);
    plan = RollbackLocked(name, version, by);
  }
  if (plan.ok()) TellChanged(name);
  return plan;
}

StatusOr<SiteDesk::Plan> SiteDesk::RollbackLocked(const std::string& name, uint64_t version,
                                                  const std::string& by) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<SiteVersion> versions, VersionsLocked(name));
  const auto it = sites_.find(name);
  if (it != sites_.end() && !it->second.home.empty()) return BelongsTo(name, it->second.home);
  const uint64_t present = it == sites_.end() ? 0 : it->second.site.version;
  for (const SiteVersion& earlier : versions) {
    const uint64_t number = earlier.site.version;
    if (version == 0 ? number < present : number == version) {
      return ApplyLocked(earlier.site, earlier.yaml, by);
    }
  }
  if (version == 0) return NotFound("site %s has no earlier version", name.c_str());
  return NotFound("site %s has no version %llu (see strata site show %s)", name.c_str(),
                  static_cast<unsigned long long>(version), name.c_str());
}

Status SiteDesk::Remove(const std::string& name) {
  {
    absl::MutexLock lock(&mutex_);
    STRATA_RETURN_IF_ERROR(RemoveLocked(name));
  }
  TellChanged(name);
  return Ok();
}

Status SiteDesk::RemoveLocked(const std::string& name) {
  const auto it = sites_.find(name);
  if (it == sites_.end()) return NotFound("there is no site %s", name.c_str());
  if (!it->second.home.empty()) return BelongsTo(name, it->second.home);
  store::IntentBatch batch;
  batch.deletes.push_back({kSites, name});
  STRATA_RETURN_IF_ERROR(store_.Commit(batch));
  STRATA_RETURN_IF_ERROR(table_.Remove(name));
  sites_.erase(name);
  return Ok();
}

// ---- Sites from above.

StatusOr<bool> SiteDesk::Take(const SiteVersion& version) {
  StatusOr<bool> taken = false;
  {
    absl::MutexLock lock(&mutex_);
    taken = TakeLocked(version);
  }
  if (taken.ok() && *taken) TellChanged(version.site.name);
  return taken;
}

StatusOr<bool> SiteDesk::TakeLocked(const SiteVersion& version) {
  const farm::Site& site = version.site;
  const std::string& name = site.name;
  if (version.home.empty()) return InvalidArgument("site %s has no home", name.c_str());
  STRATA_RETURN_IF_ERROR(CheckFree(site, version.home));
  const auto it = sites_.find(name);
  if (it != sites_.end() && it->second.site.version >= site.version) return false;
  if (it == sites_.end() && sites_.size() >= kSitesMax) {
    return ResourceExhausted("there are %zu sites already", kSitesMax);
  }
  // Whoever applies a site of this name here later goes on above all that engines have heard.
  uint64_t& mark = marks_[name];
  store::IntentBatch batch;
  batch.puts.push_back({kSites, name, Record(version)});
  if (mark < site.version) batch.puts.push_back({kMarks, name, MarkRecord(site.version)});
  STRATA_RETURN_IF_ERROR(store_.Commit(batch));
  STRATA_RETURN_IF_ERROR(table_.Apply(site));
  sites_[name] = version;
  mark = std::max(mark, site.version);
  return true;
}

Status SiteDesk::Drop(const std::string& name) {
  StatusOr<bool> dropped = false;
  {
    absl::MutexLock lock(&mutex_);
    dropped = DropLocked(name);
  }
  if (dropped.ok() && *dropped) TellChanged(name);
  return dropped.status();
}

StatusOr<bool> SiteDesk::DropLocked(const std::string& name) {
  const auto it = sites_.find(name);
  if (it == sites_.end() || it->second.home.empty()) return false;
  store::IntentBatch batch;
  batch.deletes.push_back({kSites, name});
  batch.trims.push_back({LogOfPurges(name), store::kWholeLog});
  STRATA_RETURN_IF_ERROR(store_.Commit(batch));
  STRATA_RETURN_IF_ERROR(table_.Remove(name));
  sites_.erase(it);
  return true;
}

std::vector<SiteVersion> SiteDesk::sites() const {
  absl::MutexLock lock(&mutex_);
  std::vector<SiteVersion> all;
  for (const auto& [name, version] : sites_) all.push_back(version);
  return all;
}

StatusOr<SiteVersion> SiteDesk::Find(const std::string& name, uint64_t version) const {
  absl::MutexLock lock(&mutex_);
  const auto it = sites_.find(name);
  if (it == sites_.end()) return NotFound("there is no site %s", name.c_str());
  if (version == 0 || version == it->second.site.version) return it->second;
  STRATA_ASSIGN_OR_RETURN(const std::vector<SiteVersion> versions, VersionsLocked(name));
  for (const SiteVersion& other : versions) {
    if (other.site.version == version) return other;
  }
  return NotFound("site %s has no version %llu", name.c_str(),
                  static_cast<unsigned long long>(version));
}

StatusOr<std::vector<SiteVersion>> SiteDesk::Versions(const std::string& name) const {
  absl::MutexLock lock(&mutex_);
  return VersionsLocked(name);
}

StatusOr<std::vector<SiteVersion>> SiteDesk::VersionsLocked(const std::string& name) const {
  std::vector<SiteVersion> versions;
  Status status;
  const std::string prefix = name + "/";
  STRATA_RETURN_IF_ERROR(
      store_.VisitTable(kVersions, [&](std::string_view key, std::string_view value) {
        if (!key.starts_with(prefix)) return true;
        StatusOr<SiteVersion> version = ReadRecord(key, value);
        status = version.status();
        if (status.ok()) versions.push_back(*std::move(version));
        return status.ok();
      }));
  STRATA_RETURN_IF_ERROR(status);
  std::reverse(versions.begin(), versions.end());
  return versions;
}

StatusOr<farm::Site> SiteDesk::SiteOf(const std::string& host) const {
  absl::MutexLock lock(&mutex_);
  const farm::Site* site = table_.FindByHost(host);
  if (site == nullptr) return NotFound("%s is a host of no site", host.c_str());
  return *site;
}

}  // namespace strata::manager::control

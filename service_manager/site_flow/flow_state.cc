#include "service_manager/site_flow/flow_state.h"

#include <algorithm>
#include <set>

#include "absl/time/time.h"
#include "common/tls/identity.h"
#include "service_manager/sites/limits.h"

namespace strata::manager::site_flow {
namespace {

using sites::NewsQueue;
using sites::SiteState;

// From a parent's point of view: a scope above, or the exchange, whose scope is on nobody's path.
bool MayBeHome(const std::string& home, const std::string& parent, const std::string& own) {
  if (home == own || !tls::CheckScope(home).ok()) return false;
  return home == parent || tls::ScopeCovers(home, own) || home.find('/') == std::string::npos;
}

bool Fits(const sites::SiteRow& row) {
  const auto fits = [](const std::string& text, size_t max) { return text.size() <= max; };
  return farm::IsSiteName(row.site) && fits(row.state.home, UINT8_MAX) &&
         fits(row.problem, UINT8_MAX) && row.behind.size() <= sites::kEnginesNamedMax &&
         row.serving <= row.engines && row.applied <= row.engines &&
         row.all_up_to <= row.state.position &&
         std::all_of(row.behind.begin(), row.behind.end(), [&](const sites::EngineRow& engine) {
           return fits(engine.name, UINT8_MAX) && fits(engine.problem, UINT8_MAX);
         });
}

}  // namespace

bool IsSettled(const std::vector<sites::ScopeOutcome>& outcomes) {
  return std::none_of(outcomes.begin(), outcomes.end(), [](const sites::ScopeOutcome& outcome) {
    return outcome.kind == sites::ScopeOutcome::Kind::kWaits;
  });
}

FlowState::FlowState(Options options, control::SiteDesk& desk, control::PurgeJournal& journal)
    : options_(std::move(options)), desk_(desk), journal_(journal), book_(options_.own.scope) {
  desk_.Observe([this](const std::string& site) { OnSiteChanged(site); });
}

FlowState::~FlowState() { desk_.Observe(nullptr); }

void FlowState::Lead() {
  {
    absl::MutexLock lock(&mutex_);
    leads_ = true;
  }
  OnSiteChanged("");
}

void FlowState::Rest() {
  absl::MutexLock order(&update_);
  absl::MutexLock lock(&mutex_);
  leads_ = false;
  for (const auto& [site, _] : sites_) book_.RemoveOwn(site);
  for (const auto& [site, _] : refused_) book_.RemoveOwn(site);
  sites_.clear();
  refused_.clear();
}

// ---- What is new here.

void FlowState::OnSiteChanged(const std::string& site) {
  absl::MutexLock order(&update_);
  {
    absl::MutexLock lock(&mutex_);
    if (!leads_) return;
  }
  std::set<std::string> names;
  if (site.empty()) {
    for (const control::SiteVersion& version : desk_.sites()) names.insert(version.site.name);
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, _] : sites_) names.insert(name);
  } else {
    names.insert(site);
  }
  for (const std::string& name : names) {
    const StatusOr<control::SiteVersion> version = desk_.Find(name, 0);
    const StatusOr<uint64_t> position = journal_.Last(name);
    absl::MutexLock lock(&mutex_);
    Update(name, version.ok() ? &*version : nullptr, position.ok() ? *position : 0);
  }
}

void FlowState::Update(const std::string& site, const control::SiteVersion* version,
                       uint64_t position) {
  const bool was_local = sites_.contains(site) && sites_[site].state.home == options_.own.scope;
  if (version == nullptr) {
    sites_.erase(site);
  } else {
    Entry& entry = sites_[site];
    entry.state.home = version->home.empty() ? options_.own.scope : version->home;
    entry.state.version = version->site.version;
    entry.state.position = position;
    entry.scopes = version->site.scopes;
  }
  // A name or host may be free now for what did not fit.
  if ((was_local || version == nullptr) && !refused_.empty()) retry_ = true;
  ShowOwn(site);
  for (auto& [_, queue] : children_) queue.OnChanged(site);
}

void FlowState::ShowOwn(const std::string& site) {
  const auto it = sites_.find(site);
  const auto refusal = refused_.find(site);
  sites::SiteRow row{.site = site, .scope = options_.own.scope};
  if (it != sites_.end()) row.state = it->second.state;
  row.all_up_to = row.state.position;
  if (refusal != refused_.end()) {
    row.state = {.home = refusal->second.home};
    row.problem = refusal->second.problem;
    row.all_up_to = 0;
  } else if (it == sites_.end()) {
    return book_.RemoveOwn(site);
  } else if (options_.farm != nullptr) {
    options_.farm->Fill(row);
  }
  farm::Site for_whom;
  if (it != sites_.end()) for_whom.scopes = it->second.scopes;
  book_.SetOwn(std::move(row),
               [for_whom](const std::string& scope) { return farm::MayHold(for_whom, scope); });
}

void FlowState::OnEngines(const std::string& site) {
  std::vector<std::string> names;
  if (site.empty()) {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, _] : sites_) names.push_back(name);
  } else {
    names.push_back(site);
  }
  for (const std::string& name : names) {  // One by one: the group's thread may wait for the lock.
    absl::MutexLock lock(&mutex_);
    if (sites_.contains(name)) ShowOwn(name);
  }
}

// ---- Children.

void FlowState::KnowChild(const std::string& child, uint32_t level) {
  absl::MutexLock lock(&mutex_);
  book_.Know(child, level);
}

void FlowState::ForgetChild(const std::string& child) {
  absl::MutexLock lock(&mutex_);
  book_.Forget(child);
}

Status FlowState::EnterChild(const std::string& child, uint32_t level,
                             const std::map<std::string, SiteState>& held) {
  if (options_.on_purged_up_to != nullptr) {
    for (const auto& [site, state] : held) {
      if (state.home != options_.own.scope) continue;
      STRATA_ASSIGN_OR_RETURN(const bool lost,
                              options_.on_purged_up_to(child, site, state.position));
      if (lost) OnPurged(site);
    }
  }
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> all;
  for (const auto& [site, _] : sites_) all.push_back(site);
  children_[child].Connected(held, all);
  book_.Connected(child, level);
  return Ok();
}

void FlowState::LeaveChild(const std::string& child) {
  absl::MutexLock lock(&mutex_);
  children_.erase(child);
  book_.Lost(child);
}

std::optional<SiteState> FlowState::OfferOf(const std::string& child,
                                            const std::string& site) const {
  const auto it = sites_.find(site);
  if (it == sites_.end()) return std::nullopt;
  farm::Site for_whom;
  for_whom.scopes = it->second.scopes;
  if (!farm::MayHold(for_whom, child)) return std::nullopt;
  return it->second.state;
}

StatusOr<std::optional<News>> FlowState::NextNews(const std::string& child, Duration limit) {
  std::optional<NewsQueue::News> next;
  {
    absl::MutexLock lock(&mutex_);
    const auto due = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      const auto queue = children_.find(child);
      return queue == children_.end() || !queue->second.empty();
    };
    mutex_.AwaitWithTimeout(absl::Condition(&due), absl::FromChrono(limit));
    const auto queue = children_.find(child);
    if (queue == children_.end()) return NotFound("%s follows no more", child.c_str());
    next = queue->second.Next([&](const std::string& site) {
      mutex_.AssertHeld();
      return OfferOf(child, site);
    });
  }
  if (!next) return std::optional<News>();  // What changed is nothing to this child.
  return MakeNews(child, *next);
}

StatusOr<std::optional<News>> FlowState::MakeNews(const std::string& child,
                                                  const NewsQueue::News& next) {
  News news;
  switch (next.kind) {
    case NewsQueue::News::Kind::kRemoved:
      news.removed = next.site;
      return std::optional(std::move(news));
    case NewsQueue::News::Kind::kSite: {
      // Gone again: its queue hears of that.
      StatusOr<control::SiteVersion> version = Find(next.site);
      if (!version.ok()) return std::optional<News>();
      news.site = *std::move(version);
      return std::optional(std::move(news));
    }
    case NewsQueue::News::Kind::kPurges:
      break;
  }
  STRATA_ASSIGN_OR_RETURN(std::vector<control::PurgeEntry> entries,
                          journal_.Behind(next.site, next.position, sites::kPurgeBytesAtOnce));
  absl::MutexLock lock(&mutex_);
  const auto queue = children_.find(child);
  // Without entries the site is another one meanwhile, and the queue hears of it.
  if (queue == children_.end() || entries.empty()) return std::optional<News>();
  queue->second.SentUpTo(next.site, entries.back().purged.position);
  news.purges = PurgeNews{.site = next.site, .entries = std::move(entries)};
  return std::optional(std::move(news));
}

Status FlowState::TakeReport(const std::string& child, const sites::RowChanges& report) {
  for (const sites::SiteRow& row : report.rows) {
    if (!Fits(row)) return InvalidArgument("a row of site %.80s that is none", row.site.c_str());
  }
  for (const sites::ScopeRow& row : report.scopes) {
    STRATA_RETURN_IF_ERROR(tls::CheckScope(row.scope));
    if (row.level > federation::kLevelMax) return InvalidArgument("level %u", row.level);
  }
  absl::MutexLock lock(&mutex_);
  return book_.Take(child, report);
}

// ---- The parent.

std::map<std::string, SiteState> FlowState::Held() const {
  absl::MutexLock lock(&mutex_);
  std::map<std::string, SiteState> held;
  for (const auto& [site, entry] : sites_) {
    if (entry.state.home != options_.own.scope) held[site] = entry.state;
  }
  return held;
}

void FlowState::BeginReports() {
  absl::MutexLock lock(&mutex_);
  retry_ = false;
  reports_ = true;
  book_.TellAnew();
}

void FlowState::EndReports() {
  absl::MutexLock lock(&mutex_);
  reports_ = false;
}

bool FlowState::reports() const {
  absl::MutexLock lock(&mutex_);
  return reports_;
}

sites::RowChanges FlowState::NextReport(Duration limit) {
  absl::MutexLock lock(&mutex_);
  const auto due = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !reports_ || retry_ || book_.has_changes();
  };
  mutex_.AwaitWithTimeout(absl::Condition(&due), absl::FromChrono(limit));
  return reports_ ? book_.TakeChanges(sites::kRowsAtOnce) : sites::RowChanges();
}

bool FlowState::TakeRetry() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(retry_, false);
}

Status FlowState::TakeNews(const std::string& parent, const News& news) {
  if (news.site) return TakeSite(parent, *news.site);
  if (news.purges) return TakePurges(*news.purges);
  return TakeRemoval(news.removed);
}

Status FlowState::TakeSite(const std::string& parent, const control::SiteVersion& version) {
  const std::string& name = version.site.name;
  if (!MayBeHome(version.home, parent, options_.own.scope)) {
    return InvalidArgument("site %s of %.80s, which is not above", name.c_str(),
                           version.home.c_str());
  }
  const StatusOr<bool> taken = desk_.Take(version);
  const StatusCode code = taken.status().code();
  if (code == StatusCode::kAlreadyExists || code == StatusCode::kResourceExhausted) {
    SetRefusal(name, Refusal{.home = version.home, .problem = MessageOf(taken.status())});
    return Ok();
  }
  STRATA_RETURN_IF_ERROR(taken);
  SetRefusal(name, std::nullopt);
  if (*taken && options_.farm != nullptr) options_.farm->OnSite(name);
  return Ok();
}

Status FlowState::TakeRemoval(const std::string& site) {
  SetRefusal(site, std::nullopt);
  const StatusOr<control::SiteVersion> version = desk_.Find(site, 0);
  if (!version.ok() || version->home.empty()) return Ok();
  STRATA_RETURN_IF_ERROR(desk_.Drop(site));
  if (options_.farm != nullptr) options_.farm->OnSiteRemoved(site);
  return Ok();
}

Status FlowState::TakePurges(const PurgeNews& news) {
  const StatusOr<control::SiteVersion> version = desk_.Find(news.site, 0);
  if (!version.ok() || version->home.empty()) return Ok();  // It was refused.
  STRATA_ASSIGN_OR_RETURN(const std::vector<farm::Purged> taken, journal_.Take(news.entries));
  if (options_.farm != nullptr) {
    for (const farm::Purged& entry : taken) options_.farm->OnPurged(entry);
  }
  if (!taken.empty()) OnPurged(news.site);
  return Ok();
}

void FlowState::SetRefusal(const std::string& site, const std::optional<Refusal>& refusal) {
  absl::MutexLock lock(&mutex_);
  if (!refusal && !refused_.contains(site)) return;
  if (refusal) {
    refused_[site] = *refusal;
  } else {
    refused_.erase(site);
  }
  ShowOwn(site);
}

// ---- Questions.

StatusOr<control::SiteVersion> FlowState::Find(const std::string& site) const {
  STRATA_ASSIGN_OR_RETURN(control::SiteVersion version, desk_.Find(site, 0));
  if (version.home.empty()) version.home = options_.own.scope;
  return version;
}

std::vector<sites::SiteRow> FlowState::RowsOf(const std::string& site) const {
  absl::MutexLock lock(&mutex_);
  return book_.RowsOf(site);
}

std::vector<sites::ScopeRow> FlowState::Scopes() const {
  absl::MutexLock lock(&mutex_);
  return book_.scopes();
}

bool FlowState::CaughtUp(const std::string& scope) const {
  absl::MutexLock lock(&mutex_);
  return book_.CaughtUp(scope);
}

sites::ScopesOfSites FlowState::Unpurged() const {
  absl::MutexLock lock(&mutex_);
  return book_.Unpurged();
}

std::vector<sites::ScopeOutcome> FlowState::OutcomeOf(const std::string& site,
                                                      uint64_t position) const {
  absl::MutexLock lock(&mutex_);
  return book_.OutcomeOf(site, position);
}

std::vector<sites::ScopeOutcome> FlowState::AwaitOutcome(const std::string& site, uint64_t position,
                                                         Duration limit) const {
  absl::MutexLock lock(&mutex_);
  const auto settled = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return given_up_ || IsSettled(book_.OutcomeOf(site, position));
  };
  mutex_.AwaitWithTimeout(absl::Condition(&settled), absl::FromChrono(limit));
  return book_.OutcomeOf(site, position);
}

void FlowState::GiveUp() {
  absl::MutexLock lock(&mutex_);
  given_up_ = true;
}

}  // namespace strata::manager::site_flow

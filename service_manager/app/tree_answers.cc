#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "service_manager/app/tree.h"

// What the parts of a Tree ask of it, and what it says of itself.

namespace strata::manager::app {

Tree::Matcher Tree::MatcherNow() const {
  return std::make_shared<const federation::ForwardingMatcher>(
      settings().policy, [this](const std::string& site) { return HostOfSite(site); });
}

std::string Tree::HostOfSite(const std::string& site) const {
  const StatusOr<control::SiteVersion> found = parts_.control.sites().Find(site, 0);
  return found.ok() ? found->site.hosts.front() : "";
}

std::optional<federation::Introduction> Tree::NameOf(directory::Holder holder) const {
  if (holder.value() < control::kHolderNumberFirst) {
    std::optional<FarmEngines::Engine> engine = engines_.Find(holder);
    if (!engine) return std::nullopt;
    return federation::Introduction{.holder = holder,
                                    .name = {own_.scope, std::move(engine->name)},
                                    .clients = std::move(engine->clients)};
  }
  const control::HolderBook::EntryPtr entry = holders_.Find(holder);
  if (entry == nullptr) return std::nullopt;
  return federation::Introduction{.holder = holder, .name = entry->name, .clients = entry->clients};
}

mirror::BackupTellers::Backups Tree::Backups() const {
  mirror::BackupTellers::Backups backups;
  for (const auto& [name, entry] : parts_.control.managers().all()) {
    if (name != parts_.control.options().name) backups[name] = entry.address;
  }
  return backups;
}

std::vector<hierarchy::ScopeManager> Tree::ManagersNow() const {
  using hierarchy::ManagerState;
  const std::string leader = parts_.control.leader();
  const multicast::View view = parts_.control.member().view();
  std::vector<hierarchy::ScopeManager> managers;
  for (const auto& [name, entry] : parts_.control.managers().all()) {
    hierarchy::ScopeManager manager{.name = name, .address = entry.address};
    for (const multicast::MemberInfo& member : view.members) {
      if (member.id.value() != entry.id) continue;
      manager.state = member.status == multicast::MemberStatus::kFull ? ManagerState::kBackup
                                                                      : ManagerState::kJoins;
    }
    if (name == leader) manager.state = ManagerState::kLeads;
    managers.push_back(std::move(manager));
  }
  std::stable_partition(managers.begin(), managers.end(), [](const hierarchy::ScopeManager& one) {
    return one.state == ManagerState::kLeads;
  });
  if (managers.size() > hierarchy::kManagersPerScopeMax) {
    managers.resize(hierarchy::kManagersPerScopeMax);
  }
  return managers;
}

hierarchy::OwnPart Tree::OwnPartNow() const {
  hierarchy::OwnPart own;
  own.part.managers = ManagersNow();
  own.part.front_ends = parts_.front_ends();
  own.part.policy = hierarchy::MakeLinkPolicy(
      settings().policy, [this](const std::string& site) { return HostOfSite(site); });
  own.locations = parts_.index.locations();
  own.sites = static_cast<uint32_t>(parts_.control.sites().sites().size());
  if (own_.level == 1) {
    const FarmEngines::Counts engines = engines_.counts();
    own.engines = engines.all;
    own.engines_up = engines.up;
    own.load = engines_.Load();
  }
  if (parents_.empty()) return own;
  own.up.emplace();
  absl::MutexLock lock(&mutex_);
  if (term_ == nullptr || term_->uplink == nullptr) return own;
  const link::ParentLink::State link = term_->uplink->state().link;
  own.up = {.connected = link.connected,
            .waiting_records = link.kept_records,
            .dirty_ranges = link.dirty_ranges,
            .acknowledged = link.acknowledged};
  return own;
}

hierarchy::Above Tree::AboveNow() const {
  if (parents_.empty()) return std::nullopt;
  absl::MutexLock lock(&mutex_);
  if (term_ == nullptr || term_->attachment == nullptr) return hierarchy::ParentAttachment::State();
  return term_->attachment->state();
}

std::shared_ptr<const Tree::Seen> Tree::SeenNow() const {
  absl::MutexLock lock(&seen_mutex_);
  return seen_;
}

std::vector<std::pair<std::string, std::string>> Tree::Facts() const {
  std::vector<std::pair<std::string, std::string>> facts;
  facts.emplace_back("level", std::to_string(own_.level));
  if (feed_service_ != nullptr) {
    std::string names;
    for (const link::FeedService::Child& child : feed_service_->children()) {
      names += (names.empty() ? "" : ", ") + child.scope;
    }
    facts.emplace_back("children", names.empty() ? "none" : names);
    const std::string leader = feed_service_->leader();
    if (!leader.empty()) facts.emplace_back("directory", "as " + leader + " tells it");
  }
  if (parents_.empty()) return facts;
  absl::MutexLock lock(&mutex_);
  if (term_ == nullptr || term_->uplink == nullptr) {
    facts.emplace_back("parent", "is told by the manager that leads");
    return facts;
  }
  const uplink::Uplink::State state = term_->uplink->state();
  facts.emplace_back("parent", state.link.connected
                                   ? state.link.scope + " at " + state.link.parent
                                   : "not in reach: " + MessageOf(state.link.last));
  facts.emplace_back("to be told", std::to_string(state.waiting) + " contents, " +
                                       std::to_string(state.link.kept_records) +
                                       " records that it has not acknowledged, " +
                                       std::to_string(state.link.dirty_ranges) + " ranges");
  if (!state.trouble.ok()) facts.emplace_back("directory", MessageOf(state.trouble));
  return facts;
}

}  // namespace strata::manager::app

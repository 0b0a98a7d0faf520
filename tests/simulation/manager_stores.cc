#include "tests/simulation/manager_stores.h"

#include <algorithm>
#include <cmath>

namespace strata::simulation {

using multicast::MemberStatus;
using multicast::View;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

constexpr Duration kLook = milliseconds(8);
constexpr Duration kCarryMax = milliseconds(4);  // And the disk.
constexpr Duration kStoppedLook = milliseconds(3);

size_t IndexOf(multicast::MemberId id) { return id.value() - 1; }

}  // namespace

ManagerStores::ManagerStores(Wiring& wiring, std::vector<std::unique_ptr<Member>>& members,
                             uint64_t seed)
    : wiring_(wiring),
      members_(members),
      random_(seed),
      managers_(wiring.scenario.members.size()) {}

bool ManagerStores::IsManager(size_t index) const {
  return wiring_.scenario.members[index].self.role == multicast::Role::kManager;
}

bool ManagerStores::Reach(size_t a, size_t b) const {
  return !wiring_.network.link(a, b).blocked && !wiring_.network.link(b, a).blocked;
}

ManagerStores::Position ManagerStores::PositionOf(const Store& store) {
  return {store.empty() ? 0 : store.back().term, store.size()};
}

void ManagerStores::Start() {
  for (size_t i = 0; i < members_.size(); ++i) {
    if (!IsManager(i)) continue;
    Look(i);
    Order(i);
  }
}

bool ManagerStores::InStep(size_t index, size_t leader) const {
  const Manager& leads = managers_[leader];
  if (!leads.leads || !leads.waiting.empty()) return false;
  return !IsManager(index) || managers_[index].store == leads.store;
}

// ---- The process, and the group's views.

void ManagerStores::OnStarted(const MemberProbe& member, bool with_disk) {
  if (!with_disk) managers_[IndexOf(member.id())].store.clear();
}

void ManagerStores::OnCrashed(const MemberProbe& member, size_t) {
  Manager& manager = managers_[IndexOf(member.id())];
  Store on_disk = std::move(manager.store);
  manager = {};
  manager.store = std::move(on_disk);
}

void ManagerStores::OnLeft(const MemberProbe& member, bool) {
  OnViewChanged(member, View(), MemberStatus::kNone);
}

void ManagerStores::OnViewChanged(const MemberProbe& member, const View& view,
                                  MemberStatus status) {
  const size_t index = IndexOf(member.id());
  if (!IsManager(index)) return;
  Manager& manager = managers_[index];
  std::optional<size_t> leader;
  if (!view.members.empty()) leader = IndexOf(view.members.front().id);
  const bool to_lead = status == MemberStatus::kFull && leader == index;
  const bool another = !view.members.empty() && manager.membership != member.incarnation();
  if (!view.members.empty()) manager.membership = member.incarnation();
  if (to_lead) Require(index, view);
  if (to_lead && !manager.leads) manager.term = view.epoch.counter << 7 | member.id().value();
  if (!to_lead) StopLeading(manager);
  if (!to_lead && (leader != manager.leader || another || manager.to_lead)) manager.stream = 0;
  manager.to_lead = to_lead;
  manager.leader = leader;
  manager.learns_in.reset();
  if (status == MemberStatus::kLearner) manager.learns_in = view.number;
}

void ManagerStores::StopLeading(Manager& manager) {
  manager.leads = false;
  manager.feeds.clear();
  manager.waiting.clear();
}

void ManagerStores::Look(size_t index) {
  wiring_.queue.After(kLook, [this, index] { Look(index); });
  if (!Answers(index)) return;
  Manager& manager = managers_[index];
  if (manager.to_lead) {
    if (!manager.leads) Begin(index);
    LookAtCounts(index);
    return;
  }
  if (!Whole(manager.follows, index, manager.stream)) Attach(index);
}

// ---- Who leads.

void ManagerStores::Begin(size_t index) {
  Manager& manager = managers_[index];
  manager.stream = 0;
  manager.feeds.clear();
  manager.before = PositionOf(manager.store);
  manager.term = std::max(manager.term, manager.before.term + 1);
  manager.leads = true;
  TellLeads(index);
  Write(index, 0);
}

void ManagerStores::TellLeads(size_t index) {
  const Manager& manager = managers_[index];
  std::set<uint64_t> orders;
  for (const Entry& entry : manager.store) {
    if (entry.order != 0) orders.insert(entry.order);
  }
  wiring_.trace.Line(wiring_.queue.now(), member(index).id().value(),
                     "leads in term %llu with %zu orders",
                     static_cast<unsigned long long>(manager.term), orders.size());
  wiring_.Tell(&Observer::OnLeads, member(index), manager.term, orders);
}

void ManagerStores::OnEnd(const MemberProbe& last) {
  if (managers_[IndexOf(last.id())].leads) TellLeads(IndexOf(last.id()));
}

void ManagerStores::Require(size_t index, const View& view) {
  Manager& manager = managers_[index];
  std::set<size_t> required;
  std::set<size_t> candidates;
  for (const auto& info : view.members) {
    const size_t other = IndexOf(info.id);
    if (other == index || info.role != multicast::Role::kManager) continue;
    (info.status == MemberStatus::kFull ? required : candidates).insert(other);
  }
  // Who was told that it counts may become full at any moment.
  for (size_t other : candidates) {
    if (manager.candidates.contains(other) && manager.required.contains(other)) {
      required.insert(other);
    }
  }
  for (auto& [other, feed] : manager.feeds) {
    if (required.contains(other) && !manager.required.contains(other)) {
      feed.counts_from = manager.store.size();
    }
  }
  manager.required = std::move(required);
  manager.candidates = std::move(candidates);
  Acknowledge(index);
}

void ManagerStores::Order(size_t index) {
  const double mean = static_cast<double>(wiring_.scenario.workload.order_gap.count());
  const auto gap = static_cast<int64_t>(-std::log(1.0 - random_.Unit()) * mean);
  wiring_.queue.After(Duration(gap), [this, index] {
    if (stopped_) return;
    if (Answers(index) && managers_[index].leads) Write(index, ++last_order_);
    Order(index);
  });
}

void ManagerStores::Write(size_t index, uint64_t order) {
  Manager& manager = managers_[index];
  manager.store.push_back({manager.term, order});
  manager.waiting.emplace_back(manager.store.size(), order);
  for (const auto& [follower, feed] : manager.feeds) Pump(index, follower);
  Acknowledge(index);
}

// What all have who must is acknowledged.
void ManagerStores::Acknowledge(size_t leader) {
  Manager& manager = managers_[leader];
  uint64_t number = manager.store.size();
  for (size_t other : manager.required) {
    const auto feed = manager.feeds.find(other);
    number = feed == manager.feeds.end() ? 0 : std::min(number, feed->second.acknowledged);
  }
  auto done = manager.waiting.begin();
  for (; done != manager.waiting.end() && done->first <= number; ++done) {
    if (done->second == 0) continue;
    wiring_.trace.Line(wiring_.queue.now(), member(leader).id().value(), "acknowledges order %llu",
                       static_cast<unsigned long long>(done->second));
    wiring_.Tell(&Observer::OnAcknowledged, member(leader), done->second);
  }
  manager.waiting.erase(manager.waiting.begin(), done);
}

// Tells the followers that count.
void ManagerStores::LookAtCounts(size_t leader) {
  Manager& manager = managers_[leader];
  for (auto& [follower, feed] : manager.feeds) {
    if (feed.acknowledged < feed.in_step_at) continue;
    if (manager.candidates.contains(follower) && manager.required.insert(follower).second) {
      feed.counts_from = manager.store.size();
    }
    if (!manager.required.contains(follower) || feed.acknowledged < feed.counts_from) continue;
    Carry(follower, false, [this, follower = follower](size_t) {
      const Manager& manager = managers_[follower];
      // It may follow one who has not noticed yet that another one leads.
      if (!manager.learns_in || manager.leader != manager.follows) return;
      member(follower).application().Counts(*manager.learns_in);
    });
  }
}

// ---- Streams.

bool ManagerStores::Whole(size_t leader, size_t follower, uint64_t stream) const {
  if (stream == 0 || managers_[follower].stream != stream) return false;
  const auto feed = managers_[leader].feeds.find(follower);
  return feed != managers_[leader].feeds.end() && feed->second.stream == stream &&
         member(leader).running() && member(follower).running() && Reach(leader, follower);
}

// To any manager that leads: who follows asks all that it knows.
void ManagerStores::Attach(size_t follower) {
  Manager& manager = managers_[follower];
  const Position here = PositionOf(manager.store);
  manager.stream = 0;
  std::vector<size_t> leaders;
  for (size_t i = 0; i < managers_.size(); ++i) {
    const bool takes = i != follower && managers_[i].leads && managers_[i].term >= here.term;
    if (takes && Answers(i) && Reach(i, follower)) leaders.push_back(i);
  }
  if (leaders.empty()) return;
  manager.follows = leaders[random_.Below(leaders.size())];
  manager.stream = ++last_stream_;
  manager.arrival[0] = manager.arrival[1] = wiring_.queue.now();
  const Manager& leads = managers_[manager.follows];
  const Position there = PositionOf(leads.store);
  const bool goes_on = here == leads.before || here.term == there.term;
  Feed feed{.stream = manager.stream, .in_step_at = there.number, .counts_from = there.number};
  feed.acknowledged = goes_on ? here.number : 0;
  feed.next = goes_on ? here.number + 1 : there.number + 1;
  managers_[manager.follows].feeds[follower] = feed;
  if (!goes_on) {
    Carry(follower, false, [this, follower, copy = leads.store](size_t) { Take(follower, copy); });
  }
  Pump(manager.follows, follower);
}

void ManagerStores::Pump(size_t leader, size_t follower) {
  Manager& manager = managers_[leader];
  Feed& feed = manager.feeds[follower];
  for (; feed.next <= manager.store.size(); ++feed.next) {
    Carry(follower, false,
          [this, follower, number = feed.next, entry = manager.store[feed.next - 1]](size_t) {
            Take(follower, number, entry);
          });
  }
}

// In order, as TCP does; to a process that stands still when it goes on.
void ManagerStores::Carry(size_t follower, bool to_leader,
                          std::function<void(size_t leader)> what) {
  Manager& manager = managers_[follower];
  Timestamp& last = manager.arrival[to_leader ? 1 : 0];
  last = std::max(last, wiring_.queue.now() + random_.Between(microseconds(50), kCarryMax));
  wiring_.queue.At(last, [this, follower, to_leader, stream = manager.stream,
                          what = std::move(what)] { Arrive(follower, stream, to_leader, what); });
}

void ManagerStores::Arrive(size_t follower, uint64_t stream, bool to_leader,
                           std::function<void(size_t leader)> what) {
  const size_t leader = managers_[follower].follows;
  if (!Whole(leader, follower, stream)) return;
  if (Answers(to_leader ? leader : follower)) {
    what(leader);
    return;
  }
  wiring_.queue.After(kStoppedLook, [this, follower, stream, to_leader, what = std::move(what)] {
    Arrive(follower, stream, to_leader, what);
  });
}

void ManagerStores::Take(size_t follower, const Store& copy) {
  managers_[follower].store = copy;
  TellStored(follower);
}

void ManagerStores::Take(size_t follower, uint64_t number, const Entry& entry) {
  Manager& manager = managers_[follower];
  const Position here = PositionOf(manager.store);
  if (manager.leads || number != here.number + 1 || entry.term < here.term) {
    manager.stream = 0;
    return;
  }
  manager.store.push_back(entry);
  TellStored(follower);
}

void ManagerStores::TellStored(size_t follower) {
  Carry(follower, true,
        [this, follower, number = uint64_t{managers_[follower].store.size()}](size_t leader) {
          Feed& feed = managers_[leader].feeds[follower];
          feed.acknowledged = std::max(feed.acknowledged, number);
          Acknowledge(leader);
          LookAtCounts(leader);
        });
}

}  // namespace strata::simulation

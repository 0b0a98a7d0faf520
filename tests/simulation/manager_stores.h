#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/random.h"
#include "tests/simulation/application.h"
#include "tests/simulation/member.h"
#include "tests/simulation/observer.h"

namespace strata::simulation {

// What the managers keep beside the group's state, and how they mirror it
// (docs/protocols/managers.md): their stores, the streams from who leads to who follows, and the
// orders that are acknowledged when everybody has them who has to. A model of it all: whatever
// arrives at a store is on its disk, and a stream whose other end is gone is noticed at the next
// look.
class ManagerStores final : public Observer {
 public:
  ManagerStores(Wiring& wiring, std::vector<std::unique_ptr<Member>>& members, uint64_t seed);

  // Orders come to whoever leads.
  void Start();
  void StopOrders() { stopped_ = true; }
  // `leader` leads, all its orders are acknowledged, and this manager has what it has.
  bool InStep(size_t index, size_t leader) const;

  void OnStarted(const MemberProbe& member, bool with_disk) override;
  void OnCrashed(const MemberProbe& member, size_t open_sends) override;
  void OnLeft(const MemberProbe& member, bool overrun) override;
  void OnViewChanged(const MemberProbe& member, const multicast::View& view,
                     multicast::MemberStatus status) override;
  void OnEnd(const MemberProbe& last) override;

 private:
  // A batch of intent: an order; or none, with which a term begins.
  struct Entry {
    uint64_t term = 0;
    uint64_t order = 0;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  using Store = std::vector<Entry>;  // Number n is at n - 1.
  struct Position {
    uint64_t term = 0;
    uint64_t number = 0;
    friend bool operator==(const Position&, const Position&) = default;
  };
  struct Feed {
    uint64_t stream = 0;
    uint64_t next = 0;
    uint64_t acknowledged = 0;
    uint64_t in_step_at = 0;
    uint64_t counts_from = 0;
  };
  struct Manager {
    Store store;
    // By the last view.
    bool to_lead = false;
    std::optional<size_t> leader;
    std::optional<uint32_t> learns_in;
    multicast::Incarnation membership;
    uint64_t term = 0;
    // Who leads.
    bool leads = false;
    Position before;  // When it began.
    std::map<size_t, Feed> feeds;
    std::set<size_t> required;
    std::set<size_t> candidates;
    std::vector<std::pair<uint64_t, uint64_t>> waiting;  // Number, order: not acknowledged yet.
    // Who follows.
    uint64_t stream = 0;  // 0: none.
    size_t follows = 0;
    Timestamp arrival[2] = {};  // The last on its stream: here, and at who leads.
  };

  static Position PositionOf(const Store& store);
  Member& member(size_t index) const { return *members_[index]; }
  bool IsManager(size_t index) const;
  bool Answers(size_t index) const { return member(index).running() && !member(index).stopped(); }
  bool Reach(size_t a, size_t b) const;

  void StopLeading(Manager& manager);
  void Look(size_t index);
  void Begin(size_t index);
  void TellLeads(size_t index);
  void Require(size_t index, const multicast::View& view);
  void Order(size_t index);
  void Write(size_t index, uint64_t order);

  // A stream of `follower`.
  bool Whole(size_t leader, size_t follower, uint64_t stream) const;
  void Attach(size_t follower);
  void Pump(size_t leader, size_t follower);
  void Carry(size_t follower, bool to_leader, std::function<void(size_t leader)> what);
  void Arrive(size_t follower, uint64_t stream, bool to_leader,
              std::function<void(size_t leader)> what);
  void Take(size_t follower, const Store& copy);
  void Take(size_t follower, uint64_t number, const Entry& entry);
  void TellStored(size_t follower);
  void LookAtCounts(size_t leader);
  void Acknowledge(size_t leader);

  Wiring& wiring_;
  std::vector<std::unique_ptr<Member>>& members_;
  SeededRandom random_;
  std::vector<Manager> managers_;  // By index of the member; of others unused.
  uint64_t last_stream_ = 0;
  uint64_t last_order_ = 0;
  bool stopped_ = false;
};

}  // namespace strata::simulation

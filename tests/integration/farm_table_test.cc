#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "farm/table_replica.h"
#include "multicast/driver/clock.h"
#include "multicast/driver/private_network.h"
#include "multicast/group.h"
#include "multicast/group_test_member.h"

// State tables over real multicast groups on lo: a manager, engines, loads, a late joiner, an
// engine that dies. Every table is the same at the same commit number.

namespace strata::farm {
namespace {

using multicast::Group;
using multicast::MemberId;
using multicast::SendOptions;

constexpr std::chrono::seconds kPatience(30);

const bool kPrivateNetwork = multicast::EnterPrivateNetwork();

// A member whose application is a table; the group runs on a thread of its own.
class TableMember final : public multicast::GroupApplication {
 public:
  void OnDeliver(const multicast::DeliverAction& message) override {
    Locked([&] {
      const EngineId origin(message.origin.value());
      if (message.stream == kTableStream) {
        replica_.OnCommitted(origin, message.message, message.commit_number, multicast::Now());
        digests_[message.commit_number] = replica_.table().digest();
      } else {
        replica_.OnReceived(origin, message.message, multicast::Now());
      }
    });
  }
  void OnViewChanged(const multicast::ViewChangedAction& change) override {
    Locked([&] {
      std::vector<TableReplica::Member> members;
      for (const auto& member : change.view.members) {
        members.push_back({EngineId(member.id.value()), member.role == multicast::Role::kManager});
      }
      size_ = members.size();
      replica_.OnView(members);
    });
  }
  std::optional<Bytes> OnTakeSnapshot(const multicast::TakeSnapshotAction&) override {
    std::lock_guard lock(mutex_);
    return replica_.TakeSnapshot(multicast::Now());
  }
  void OnInstallSnapshot(const multicast::InstallSnapshotAction& snapshot) override {
    Locked([&] {
      const Status installed =
          replica_.InstallSnapshot(snapshot.state, snapshot.commit_number, multicast::Now());
      EXPECT_TRUE(installed.ok()) << installed.ToString();
    });
  }

  // Waits until `condition` holds of the table.
  bool Await(const std::function<bool(const TableReplica&)>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return condition(replica_); });
  }
  bool AwaitMembers(size_t count) {
    return Await([&](const TableReplica&) { return size_ == count; });
  }
  std::map<uint64_t, TableDigest> digests() {
    std::lock_guard lock(mutex_);
    return digests_;
  }
  TableReplica::Counters counters() {
    std::lock_guard lock(mutex_);
    return replica_.counters();
  }
  TableDigest digest() {
    std::lock_guard lock(mutex_);
    return replica_.table().digest();
  }

  void Say(const Message& message) {
    Bytes bytes;
    Encode(message, bytes);
    const bool load = std::holds_alternative<LoadReport>(message);
    SendOptions options;
    options.received = load;
    while (true) {
      const auto sent = group->Send(load ? kLoadStream : kTableStream, bytes, options);
      if (std::holds_alternative<multicast::SendId>(sent)) return;
      // Not yet in a view, or the queue is full.
      std::this_thread::yield();
    }
  }

  std::unique_ptr<Group> group;

 private:
  void Locked(const std::function<void()>& change) {
    std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  TableReplica replica_;
  size_t size_ = 0;
  std::map<uint64_t, TableDigest> digests_;  // After each commit.
};

class FarmTableTest : public ::testing::Test {
 protected:
  ~FarmTableTest() override {
    for (auto& [id, member] : members_) member->group.reset();
  }
  TableMember& Join(uint32_t id) {
    auto& member = members_[id] = std::make_unique<TableMember>();
    auto group = Group::Join(multicast::TestOptions(network_, id), *member);
    EXPECT_TRUE(group.ok()) << group.status().ToString();
    member->group = *std::move(group);
    return *member;
  }
  // Member 1 is the manager; it registers engines 2 to `engines` + 1.
  void StartFarm(uint32_t engines) {
    for (uint32_t id = 1; id <= engines + 1; ++id) Join(id);
    for (auto& [id, member] : members_) ASSERT_TRUE(member->AwaitMembers(engines + 1));
    for (uint32_t id = 2; id <= engines + 1; ++id) Register(id);
    for (auto& [id, member] : members_) {
      ASSERT_TRUE(
          member->Await([&](const TableReplica& r) { return r.table().rows().size() == engines; }));
    }
  }
  void Register(uint32_t id) {
    EngineInfo engine;
    engine.id = EngineId(id);
    engine.name = "engine-" + std::to_string(id);
    members_[1]->Say(EngineRegistered{engine, 1});
  }
  // Contents of keys (id, 0) to (id, count - 1), and (0, 0), which all have.
  void TellInventory(uint32_t id, uint64_t count) {
    const EngineId engine(id);
    members_[id]->Say(InventoryBegins{engine});
    AssetsChanged changed{engine, {{ContentKey{0, 0}, Asset()}}};
    for (uint64_t i = 0; i < count; ++i) {
      Asset asset;
      asset.size = i;
      changed.changes.push_back({ContentKey{id, i}, asset});
      if (changed.changes.size() < 50 && i + 1 < count) continue;
      members_[id]->Say(changed);
      changed.changes.clear();
    }
    members_[id]->Say(InventoryEnds{engine});
  }
  void ExpectEqualTables() {
    const std::map<uint64_t, TableDigest> reference = members_[1]->digests();
    for (auto& [id, member] : members_) {
      if (member->group == nullptr) continue;
      EXPECT_EQ(member->digest(), members_[1]->digest()) << "member " << id;
      for (const auto& [number, digest] : member->digests()) {
        const auto it = reference.find(number);
        if (it == reference.end()) continue;
        EXPECT_EQ(digest, it->second) << id << " at " << number;
      }
    }
  }

  multicast::TestNetwork network_ = {.port = multicast::FreshPort()};
  std::map<uint32_t, std::unique_ptr<TableMember>> members_;
};

TEST_F(FarmTableTest, AllTablesAreEqualAtEveryCommit) {
  StartFarm(3);
  std::vector<std::thread> threads;
  for (uint32_t id = 2; id <= 4; ++id) {
    threads.emplace_back([this, id] { TellInventory(id, 1000); });
  }
  for (std::thread& thread : threads) thread.join();
  for (auto& [id, member] : members_) {
    ASSERT_TRUE(member->Await([](const TableReplica& r) {
      const auto& rows = r.table().rows();
      return std::all_of(rows.begin(), rows.end(),
                         [](const auto& row) { return row.second.assets == 1001; });
    }));
    EXPECT_TRUE(member->Await([](const TableReplica& r) {
      const auto* holders = r.table().FindHolders(ContentKey{0, 0});
      return holders != nullptr && holders->size() == 3;
    }));
  }
  ExpectEqualTables();
}

TEST_F(FarmTableTest, LoadsReachEverybody) {
  StartFarm(2);
  LoadReport report{EngineId(2), 1, {}};
  report.load.cpu = 0.5;
  for (report.load.sequence = 1; report.load.sequence <= 20; ++report.load.sequence) {
    members_[2]->Say(report);
  }
  for (auto& [id, member] : members_) {
    EXPECT_TRUE(member->Await(
        [](const TableReplica& r) { return r.table().Find(EngineId(2))->load.sequence == 20; }));
  }
}

TEST_F(FarmTableTest, ALateJoinerHasTheSameTable) {
  StartFarm(2);
  TellInventory(2, 500);
  TableMember& late = Join(4);
  ASSERT_TRUE(late.AwaitMembers(4));
  TellInventory(3, 10);
  for (auto& [id, member] : members_) {
    ASSERT_TRUE(member->Await([](const TableReplica& r) {
      const Row* row = r.table().Find(EngineId(3));
      return row != nullptr && row->assets == 11 && !row->telling &&
             r.table().Find(EngineId(2))->assets == 501;
    }));
  }
  ExpectEqualTables();
}

TEST_F(FarmTableTest, AnEngineThatDiesIsDownEverywhereAndKeepsItsCopies) {
  StartFarm(3);
  TellInventory(4, 10);
  ASSERT_TRUE(members_[4]->Await([](const TableReplica& r) {
    return !r.table().Find(EngineId(4))->telling && r.table().Find(EngineId(4))->assets == 11;
  }));
  members_[4]->group.reset();
  for (auto& [id, member] : members_) {
    if (member->group == nullptr) continue;
    EXPECT_TRUE(member->Await([](const TableReplica& r) {
      const Row& row = *r.table().Find(EngineId(4));
      return row.assets == 11 && r.table().StatusOf(row, multicast::Now()) == EngineStatus::kDown;
    }));
  }
  ExpectEqualTables();
}

TEST_F(FarmTableTest, NobodySpeaksForAnother) {
  StartFarm(2);
  members_[2]->Say(HealthChanged{EngineId(3), Health::kDown, "rumour"});
  for (auto& [id, member] : members_) {
    EXPECT_TRUE(
        member->Await([](const TableReplica& r) { return r.counters().not_its_business == 1; }));
    EXPECT_TRUE(member->Await(
        [](const TableReplica& r) { return r.table().Find(EngineId(3))->health == Health::kUp; }));
  }
}

}  // namespace
}  // namespace strata::farm

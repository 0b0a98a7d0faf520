#include "farm/table_replica.h"

#include <gtest/gtest.h>

#include "farm/test_farm.h"

namespace strata::farm {
namespace {

using testing::Engine;
using testing::kA;
using testing::kB;
using testing::kManager;
using testing::kStart;

Bytes Encoded(const Message& message) {
  Bytes bytes;
  Encode(message, bytes);
  return bytes;
}

class TableReplicaTest : public ::testing::Test {
 protected:
  TableReplicaTest() { replica_.OnView({{kManager, true}, {kA, false}, {kB, false}}); }
  void Commit(EngineId origin, const Message& message) {
    replica_.OnCommitted(origin, Encoded(message), ++number_, kStart);
  }
  void Receive(EngineId origin, const Message& message) {
    replica_.OnReceived(origin, Encoded(message), kStart);
  }
  static LoadReport Report(EngineId engine, uint64_t sequence) {
    LoadReport report{engine, 1, {}};
    report.load.sequence = sequence;
    return report;
  }

  TableReplica replica_;
  uint64_t number_ = 0;
};

TEST_F(TableReplicaTest, AppliesWhatTheGroupCommits) {
  Commit(kManager, EngineRegistered{Engine(kA, "A"), 1});
  Receive(kA, Report(kA, 1));
  EXPECT_EQ(replica_.commit_number(), 1u);
  const Row* row = replica_.table().Find(kA);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(replica_.table().StatusOf(*row, kStart), EngineStatus::kUp);
  EXPECT_EQ(replica_.counters().applied, 1u);
  EXPECT_EQ(replica_.counters().loads, 1u);
}

TEST_F(TableReplicaTest, OnlyManagersOfTheViewSpeakForAll) {
  Commit(kA, EngineRegistered{Engine(kA, "A"), 1});
  EXPECT_EQ(replica_.table().Find(kA), nullptr);
  EXPECT_EQ(replica_.counters().not_its_business, 1u);
  replica_.OnView({{kA, true}});
  Commit(kA, EngineRegistered{Engine(kA, "A"), 1});
  EXPECT_NE(replica_.table().Find(kA), nullptr);
}

TEST_F(TableReplicaTest, WhoIsNotInTheViewIsDown) {
  Commit(kManager, EngineRegistered{Engine(kA, "A"), 1});
  Commit(kManager, EngineRegistered{Engine(EngineId(9), "absent"), 1});
  EXPECT_FALSE(replica_.table().Find(EngineId(9))->in_view);
  EXPECT_TRUE(replica_.table().Find(kA)->in_view);
  replica_.OnView({{kManager, true}});
  EXPECT_FALSE(replica_.table().Find(kA)->in_view);
}

TEST_F(TableReplicaTest, CountsWhatItRefuses) {
  const Bytes garbage = {1, 2, 3};
  replica_.OnCommitted(kA, garbage, 1, kStart);
  replica_.OnReceived(kA, garbage, kStart);
  Receive(kA, InventoryBegins{kA});
  Commit(kA, Report(kA, 1));
  Receive(kA, Report(kA, 1));
  EXPECT_EQ(replica_.counters().malformed, 2u);
  EXPECT_EQ(replica_.counters().wrong_stream, 1u);
  EXPECT_EQ(replica_.counters().unknown_engine, 2u);
  Commit(kManager, EngineRegistered{Engine(kA, "A"), 1});
  Commit(kA, Report(kA, 1));
  EXPECT_EQ(replica_.counters().wrong_stream, 2u);
  Receive(kA, Report(kA, 2));
  Receive(kA, Report(kA, 1));
  EXPECT_EQ(replica_.counters().old, 1u);
}

TEST_F(TableReplicaTest, ALearnerGetsTheTableAndItsNumber) {
  Commit(kManager, EngineRegistered{Engine(kA, "A"), 1});
  TableReplica learner;
  learner.OnView({{kManager, true}, {kA, false}});
  ASSERT_TRUE(
      learner.InstallSnapshot(replica_.TakeSnapshot(kStart), replica_.commit_number(), kStart)
          .ok());
  EXPECT_EQ(learner.commit_number(), 1u);
  EXPECT_EQ(learner.table().digest(), replica_.table().digest());
  EXPECT_TRUE(learner.table().Find(kA)->in_view);
  EXPECT_FALSE(learner.InstallSnapshot(Bytes{7}, 5, kStart).ok());
  EXPECT_EQ(learner.commit_number(), 1u);
}

// ---- Light members: B is one.

class LightReplicaTest : public TableReplicaTest {
 protected:
  LightReplicaTest() { light_.OnView({{kManager, true}, {kA, false}, {kB, false}}); }
  void CommitToBoth(EngineId origin, const Message& message) {
    Commit(origin, message);
    light_.OnCommitted(origin, Encoded(message), number_, kStart);
  }
  static AssetsChanged Has(EngineId engine, const std::string& title) {
    return {engine, {{testing::KeyOfTitle(title), testing::AssetOf(1000)}}};
  }
  void Fill() {
    CommitToBoth(kManager, EngineRegistered{Engine(kA, "A"), 1});
    CommitToBoth(kManager, EngineRegistered{Engine(kB, "B"), 1});
    CommitToBoth(kA, Has(kA, "Casablanca"));
    CommitToBoth(kB, Has(kB, "Spiderman"));
    CommitToBoth(kB, Has(kB, "Casablanca"));
    CommitToBoth(kA, HealthChanged{kA, Health::kDegraded, "slow"});
  }

  TableReplica light_{TableSettings{.stale_after = std::chrono::seconds(5), .copies_of = kB}};
};

TEST_F(LightReplicaTest, KeepsRowsAndItsOwnCopies) {
  Fill();
  EXPECT_EQ(light_.table().contents(), 2u);
  EXPECT_EQ(light_.table().Find(kA)->assets, 0u);
  EXPECT_EQ(light_.table().Find(kA)->reason, "slow");
  EXPECT_EQ(light_.table().Find(kB)->assets, 2u);
  EXPECT_EQ(light_.counters().applied, replica_.counters().applied);
}

TEST_F(LightReplicaTest, ItsDigestIsWhatTheOthersExpect) {
  Fill();
  EXPECT_NE(light_.digest(), replica_.digest());
  EXPECT_EQ(light_.digest(), replica_.DigestOfLight(kB));
  CommitToBoth(kA, Has(kA, "Dare Devil"));
  CommitToBoth(kB, AssetsChanged{kB, {{testing::KeyOfTitle("Spiderman"), std::nullopt}}});
  EXPECT_EQ(light_.digest(), replica_.DigestOfLight(kB));
  CommitToBoth(kManager, EngineRemoved{kA});
  EXPECT_EQ(light_.digest(), replica_.DigestOfLight(kB));
  EXPECT_EQ(light_.digest(), replica_.digest()) << "nobody else holds anything";
}

TEST_F(LightReplicaTest, ASnapshotForItIsWhatItKeeps) {
  Fill();
  const Bytes all = replica_.TakeSnapshot(kStart);
  const Bytes part = replica_.TakeSnapshot(kStart, kB);
  EXPECT_LT(part.size(), all.size());
  for (const Bytes& state : {all, part}) {
    TableReplica other(TableSettings{.stale_after = std::chrono::seconds(5), .copies_of = kB});
    other.OnView({{kManager, true}, {kA, false}, {kB, false}});
    ASSERT_TRUE(other.InstallSnapshot(state, number_, kStart).ok());
    EXPECT_EQ(other.digest(), light_.digest());
    EXPECT_EQ(other.table().contents(), 2u);
  }
}

}  // namespace
}  // namespace strata::farm

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/testing/test_cable.h"
#include "common/tls/test_authority.h"
#include "common/tls/tls_files.h"
#include "service_manager/control/audit_log.h"
#include "service_manager/control/test_farm.h"
#include "service_manager/link/test_peers.h"
#include "service_manager/mirror/test_managers.h"

namespace strata::manager::mirror {
namespace {

using control::testing::Eventually;
using link::testing::DifferenceOf;
using link::testing::Known;
using link::testing::TestChild;
using testing::TestManager;

// The managers p and q of one scope, and children below it.
class BackupsTest : public ::testing::Test {
 protected:
  explicit BackupsTest(const federation::ScopeLevel& own = {.scope = "cdn-one", .level = 3},
                       const std::string& first = "cdn-one/lan-a",
                       const std::string& second = "cdn-one/lan-b")
      : own_(own), first_(authority_, first, "a"), second_(authority_, second, "a") {}
  ~BackupsTest() override {
    first_.Unlink();
    second_.Unlink();
    p_.reset();
    cable_.reset();
    q_.reset();
    audit_store_.reset();
    std::filesystem::remove_all(folder_);
  }

  static std::string NewFolder() {
    std::string path = ::testing::TempDir() + "/backups-XXXXXX";
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    return path;
  }
  // Their stores may be there from before.
  void StartP() { p_ = NewManager("p"); }
  void StartQ() { q_ = NewManager("q"); }
  std::unique_ptr<TestManager> NewManager(const std::string& name) {
    return std::make_unique<TestManager>(authority_, guard_, own_, name, folder_ + "/" + name);
  }
  // What the children know of their parent.
  void SetParents(std::vector<std::string> parents) {
    absl::MutexLock lock(&mutex_);
    parents_ = std::move(parents);
  }
  TestChild::Parents Parents() {
    return [this] {
      absl::MutexLock lock(&mutex_);
      return parents_;
    };
  }
  // p leads, q follows, and both children have told 300 contents each.
  void StartAll() {
    StartP();
    StartQ();
    cable_ = std::make_unique<TestCable>(q_->endpoint());
    p_->SetAddressOf(*q_, ToString(cable_->endpoint()));
    p_->Lead(1);
    q_->Follow(*p_);
    SetParents({q_->address(), p_->address()});
    for (TestChild* child : {&first_, &second_}) {
      child->Link(1, Parents());
      child->Put(1, 0, 200);
      child->Put(2, 100, 200);
      ASSERT_TRUE(child->AwaitQuiet()) << ToString(child->link().state().last);
    }
    ASSERT_TRUE(p_->AwaitQuiet(*q_));
    ASSERT_EQ(DifferenceOf(q_->known(), All()), "");
  }
  Known All() const {
    Known all = first_.known();
    all.merge(second_.known());
    return all;
  }
  // p is gone, and q leads.
  void TakeOver() {
    p_.reset();
    SetParents({q_->address()});
    q_->Lead(2);
    ASSERT_TRUE(Eventually([this] { return q_->service().children().size() == 2; }));
  }

  const federation::ScopeLevel own_;
  const std::string folder_ = NewFolder();
  tls::TestAuthority authority_{folder_};
  const std::shared_ptr<tls::TlsStore> tls_ =
      *tls::TlsStore::Open(authority_.Issue("strata://" + own_.scope + "/manager/guard"));
  std::unique_ptr<store::RocksStore> audit_store_ =
      *store::RocksStore::Open({.folder = folder_ + "/audit"});
  control::AuditLog audit_{*audit_store_};
  MetricRegistry metrics_;
  // Of both managers: there is one in a process.
  rpc::Guard guard_{tls_, own_.scope, audit_, metrics_, own_.level == federation::kLevelMax};

  absl::Mutex mutex_;
  std::vector<std::string> parents_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<TestManager> p_, q_;
  std::unique_ptr<TestCable> cable_;  // From p to q.
  TestChild first_, second_;
};

TEST_F(BackupsTest, ABackupHasWhatItsLeaderHas) {
  StartAll();
  first_.Remove(1, 0, 150);
  second_.Put(3, 50, 400);
  second_.Put(2, 250, 1, 777);
  ASSERT_TRUE(first_.AwaitQuiet());
  ASSERT_TRUE(second_.AwaitQuiet());
  ASSERT_TRUE(p_->AwaitQuiet(*q_));
  EXPECT_EQ(DifferenceOf(q_->known(), All()), "");
  EXPECT_EQ(DifferenceOf(q_->stored(), All()), "");
  EXPECT_EQ(q_->service().leader(), "p");
  EXPECT_TRUE(q_->service().children().empty());
  EXPECT_TRUE(q_->feeds().stale().empty());
}

TEST_F(BackupsTest, ABackupHasTheNumbersOfItsLeader) {
  StartAll();
  ASSERT_EQ(p_->holders().size(), 6U);
  for (const auto& entry : p_->holders().all()) {
    EXPECT_EQ(q_->holders().Find(entry->name), entry->number) << ToString(entry->name);
  }
}

TEST_F(BackupsTest, WhenItLeadsChildrenTellOnlyWhatCameMeanwhile) {
  StartAll();
  const uint64_t first_before = first_.link().state().counts.refreshed;
  const uint64_t second_before = second_.link().state().counts.refreshed;
  TakeOver();
  for (TestChild* child : {&first_, &second_}) {
    child->Put(3, 500, 10);
    ASSERT_TRUE(child->AwaitQuiet()) << ToString(child->link().state().last);
    EXPECT_EQ(child->link().state().counts.begun_anew, 2U) << "at p, and at q";
  }
  EXPECT_LE(first_.link().state().counts.refreshed - first_before, 10U) << "ranges";
  EXPECT_LE(second_.link().state().counts.refreshed - second_before, 10U) << "ranges";
  EXPECT_EQ(DifferenceOf(q_->known(), All()), "");
  EXPECT_EQ(DifferenceOf(q_->stored(), All()), "");
}

TEST_F(BackupsTest, WhoComesBackWithAnotherDirectoryIsRepaired) {
  StartAll();
  TakeOver();
  first_.Remove(2, 100, 50);
  second_.Put(3, 0, 50);
  ASSERT_TRUE(first_.AwaitQuiet());
  ASSERT_TRUE(second_.AwaitQuiet());
  StartP();
  ASSERT_NE(DifferenceOf(p_->known(), All()), "");
  p_->Follow(*q_);
  ASSERT_TRUE(q_->AwaitQuiet(*p_));
  EXPECT_EQ(DifferenceOf(p_->known(), All()), "");
  EXPECT_EQ(DifferenceOf(p_->stored(), All()), "");
  EXPECT_LE(q_->CountsOf(*p_).refreshed, 100U) << "ranges: what is equal is not told";
}

TEST_F(BackupsTest, WhoComesBackForgetsHoldersThatWereForgottenMeanwhile) {
  StartAll();
  TakeOver();
  ASSERT_TRUE(second_.AwaitQuiet());
  first_.Unlink();
  ASSERT_TRUE(Eventually([this] { return q_->feeds().stale().size() == 1; }));
  for (bool more = true; more;) {
    more = *q_->feeds().ForgetSilent(Duration::zero(), Timestamp());
  }
  ASSERT_EQ(DifferenceOf(q_->known(), second_.known()), "");
  StartP();
  p_->Follow(*q_);
  ASSERT_TRUE(q_->AwaitQuiet(*p_));
  EXPECT_EQ(DifferenceOf(p_->known(), second_.known()), "");
  EXPECT_EQ(DifferenceOf(p_->stored(), second_.known()), "");
}

TEST_F(BackupsTest, ABackupThatStartsAgainGoesOnWhereItStopped) {
  StartAll();
  const federation::FeedSenderCounts before = p_->CountsOf(*q_);
  q_.reset();
  first_.Put(3, 0, 50);
  ASSERT_TRUE(first_.AwaitQuiet());
  StartQ();
  p_->SetAddressOf(*q_, q_->address());
  q_->Follow(*p_);
  ASSERT_TRUE(p_->AwaitQuiet(*q_));
  ASSERT_TRUE(Eventually([this] { return q_->known() == All(); }));
  const federation::FeedSenderCounts after = p_->CountsOf(*q_);
  EXPECT_EQ(after.begun_anew, before.begun_anew);
  EXPECT_EQ(after.intervals, before.intervals);
}

TEST_F(BackupsTest, ALeaderThatWasDeposedTellsNobody) {
  StartAll();
  q_->Lead(2);  // And p does not know.
  EXPECT_TRUE(Eventually([this] {
    const link::ParentLink::State link = p_->StateOf(*q_).link;
    return !link.connected && MessageOf(link.last).find("q leads") != std::string::npos;
  })) << ToString(p_->StateOf(*q_).link.last);
  EXPECT_EQ(q_->service().leader(), "");
  const Known before = q_->known();
  first_.Put(1, 500, 20);  // To p, as nobody told the child either.
  ASSERT_TRUE(Eventually([this] { return p_->known() == All(); }));
  EXPECT_EQ(DifferenceOf(q_->known(), before), "");
  p_->Follow(*q_);
  ASSERT_TRUE(first_.AwaitQuiet());
  ASSERT_TRUE(second_.AwaitQuiet());
  ASSERT_TRUE(q_->AwaitQuiet(*p_));
  EXPECT_EQ(DifferenceOf(q_->known(), All()), "");
  EXPECT_EQ(DifferenceOf(p_->known(), All()), "");
}

TEST_F(BackupsTest, AFrozenBackupHoldsNobodyUp) {
  StartAll();
  cable_->Cut();
  first_.Put(3, 0, 300);
  first_.Remove(2, 100, 100);
  ASSERT_TRUE(first_.AwaitQuiet());
  EXPECT_EQ(DifferenceOf(p_->known(), All()), "");
  cable_->Mend();
  ASSERT_TRUE(p_->AwaitQuiet(*q_));
  EXPECT_EQ(DifferenceOf(q_->known(), All()), "");
}

class ExchangeBackupsTest : public BackupsTest {
 protected:
  ExchangeBackupsTest()
      : BackupsTest({.scope = "exchange", .level = 4}, "cdn-one/lan-a", "cdn-two/lan-a") {}
};

TEST_F(ExchangeBackupsTest, ABackupHasForeignScopesToo) {
  StartAll();
  TakeOver();
  for (TestChild* child : {&first_, &second_}) {
    const uint64_t intervals = child->link().state().counts.intervals;
    ASSERT_TRUE(child->AwaitQuiet()) << ToString(child->link().state().last);
    EXPECT_EQ(child->link().state().counts.intervals, intervals) << "nothing was told anew";
  }
  EXPECT_EQ(DifferenceOf(q_->known(), All()), "");
}

}  // namespace
}  // namespace strata::manager::mirror

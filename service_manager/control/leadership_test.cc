#include "service_manager/control/leadership.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "service_manager/store/rocks_store.h"

namespace strata::manager::control {
namespace {

using multicast::MemberId;
using multicast::MemberInfo;
using multicast::MemberStatus;
using multicast::Role;
using multicast::View;

MemberInfo Member(uint32_t id, MemberStatus status = MemberStatus::kFull, uint8_t life = 1) {
  MemberInfo member;
  member.id = MemberId(id);
  member.role = id > 100 ? Role::kEngine : Role::kManager;
  member.status = status;
  member.incarnation.bytes.fill(life);
  return member;
}

// Managers sm-1 and sm-2; this is sm-2.
class LeadershipTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder_);
    own_ = *store::RocksStore::Open({.folder = folder_});
    store_ = *store::MirroredStore::Open(*own_, std::chrono::milliseconds(50));
    book_ = std::make_unique<ManagerBook>(*store_);
    ASSERT_TRUE(store_->Lead(1).ok());
    ASSERT_TRUE(book_->Enroll("sm-1", "192.0.2.1:7400").ok());
    ASSERT_TRUE(book_->Enroll("sm-2", "192.0.2.2:7400").ok());
    store_->Follow();
    leadership_ = std::make_unique<Leadership>(
        MemberId(2), [this](bool follow) { follows_.push_back(follow); }, *store_, *book_);
  }
  void TearDown() override {
    store_.reset();
    own_.reset();
    std::filesystem::remove_all(folder_);
  }

  void See(std::vector<MemberInfo> members) {
    View view;
    view.number = ++number_;
    if (!members.empty()) view.epoch = {number_, members.front().id};
    view.members = std::move(members);
    leadership_->OnView(view);
  }
  bool Orders() { return store_->Commit({.puts = {{"sites", "films", "1"}}}).ok(); }

  const std::string folder_ =
      testing::TempDir() + testing::UnitTest::GetInstance()->current_test_info()->name();
  std::unique_ptr<store::RocksStore> own_;
  std::unique_ptr<store::MirroredStore> store_;
  std::unique_ptr<ManagerBook> book_;
  std::vector<bool> follows_;
  std::unique_ptr<Leadership> leadership_;
  uint32_t number_ = 0;
};

TEST_F(LeadershipTest, ABackupFollowsAndSaysWhoLeads) {
  See({Member(1), Member(2), Member(101)});
  EXPECT_FALSE(leadership_->is_to_begin());
  EXPECT_FALSE(leadership_->leads());
  EXPECT_EQ(leadership_->leader(), "sm-1");
  EXPECT_EQ(MessageOf(leadership_->CheckLeads()),
            "this manager does not lead its farm: sm-1 at 192.0.2.1:7400 does");
  EXPECT_EQ(follows_, std::vector<bool>{true});
  See({Member(1), Member(2)});
  EXPECT_EQ(follows_.size(), 1u) << "nothing that matters has changed";
}

TEST_F(LeadershipTest, WhoIsFirstInTheViewLeadsWhenItsStoreWrites) {
  See({Member(1), Member(2), Member(101)});
  See({Member(2), Member(101)});
  EXPECT_TRUE(leadership_->is_to_begin());
  EXPECT_FALSE(leadership_->CheckLeads().ok());
  EXPECT_FALSE(Orders());
  const auto begun = leadership_->Begin();
  ASSERT_TRUE(begun.ok());
  EXPECT_TRUE(*begun);
  EXPECT_TRUE(leadership_->CheckLeads().ok());
  EXPECT_FALSE(leadership_->is_to_begin());
  EXPECT_TRUE(Orders());
  EXPECT_EQ(follows_, (std::vector<bool>{true, false}));
  EXPECT_GT(store_->position().term, 1u);
}

TEST_F(LeadershipTest, AnotherLeaderEndsIt) {
  See({Member(2), Member(1)});
  ASSERT_TRUE(*leadership_->Begin());
  See({Member(1), Member(2)});
  EXPECT_FALSE(leadership_->leads());
  EXPECT_FALSE(Orders());
  EXPECT_EQ(follows_.back(), true);
  See({});
  EXPECT_FALSE(leadership_->leads());
  EXPECT_EQ(leadership_->leader(), "");
}

TEST_F(LeadershipTest, WhatALaterViewTookBackIsNotBegun) {
  See({Member(2)});
  See({Member(1), Member(2)});
  const auto begun = leadership_->Begin();
  ASSERT_TRUE(begun.ok());
  EXPECT_FALSE(*begun);
  EXPECT_FALSE(Orders());
}

TEST_F(LeadershipTest, OrdersWaitForFullManagersAndNotForThoseWhoLearn) {
  See({Member(2), Member(1), Member(101)});
  ASSERT_TRUE(*leadership_->Begin());
  EXPECT_FALSE(Orders());
  See({Member(2), Member(1, MemberStatus::kLearner, 2), Member(101)});
  EXPECT_TRUE(Orders());
  See({Member(2), Member(101, MemberStatus::kLearner)});
  EXPECT_TRUE(Orders());
}

TEST_F(LeadershipTest, WhoLearnsFollowsAnewInEachMembershipBeforeItCounts) {
  See({Member(1), Member(2, MemberStatus::kLearner, 1)});
  EXPECT_EQ(leadership_->learns_in(), 1u);
  EXPECT_EQ(follows_.size(), 1u);
  See({Member(1), Member(2, MemberStatus::kLearner, 1), Member(101)});
  EXPECT_EQ(leadership_->learns_in(), 2u);
  EXPECT_EQ(follows_.size(), 1u);
  See({Member(1), Member(2, MemberStatus::kFull, 1), Member(101)});
  EXPECT_EQ(leadership_->learns_in(), std::nullopt);
  See({Member(1), Member(2, MemberStatus::kLearner, 2), Member(101)});
  EXPECT_EQ(follows_.size(), 2u) << "it was away";
}

TEST_F(LeadershipTest, WhoWasNeverOneOfSeveralWritesAlsoWhileItDoesNotLead) {
  ASSERT_TRUE(store_->Lead(2).ok());
  EXPECT_FALSE(leadership_->is_sole());
  ASSERT_TRUE(book_->Remove("sm-1").ok());
  EXPECT_TRUE(leadership_->is_sole());
  See({});
  EXPECT_FALSE(leadership_->leads());
  EXPECT_TRUE(Orders());
  ASSERT_TRUE(book_->Enroll("sm-3", "192.0.2.3:7400").ok());
  See({Member(101)});
  EXPECT_FALSE(Orders());
}

TEST_F(LeadershipTest, TermsGrowWithEpochs) {
  See({Member(2)});
  ASSERT_TRUE(*leadership_->Begin());
  const uint64_t first = store_->position().term;
  See({Member(1), Member(2)});
  See({Member(2)});
  ASSERT_TRUE(*leadership_->Begin());
  EXPECT_GT(store_->position().term, first + 1);
}

}  // namespace
}  // namespace strata::manager::control

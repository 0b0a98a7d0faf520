#include "service_manager/uplink/uplink.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "service_manager/uplink/test_family.h"

namespace strata::manager::uplink {
namespace {

using federation::Forward;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::PolicyOf;
using testing::TestFamily;
using testing::TestManager;

constexpr Duration kPatience = seconds(30);

// ---- Above level 1.

class UplinkTest : public ::testing::Test {
 protected:
  explicit UplinkTest(uint32_t level = 2) : family_(level) {}

  void PutMany(int engine, int first, int count) {
    for (int content = first; content < first + count; ++content) child_.Put(engine, content);
    child_.Commit();
  }
  federation::FeedSenderCounts counts() { return child_.uplink().state().link.counts; }

  TestFamily family_;
  TestManager& child_ = family_.child();
};

TEST_F(UplinkTest, ChangesOfTheDirectoryArrive) {
  family_.Begin();
  PutMany(1, 0, 50);
  EXPECT_EQ(family_.Difference(), "");
  PutMany(2, 25, 50);
  child_.Put(2, 30, {.flags = directory::kLibrary, .size = 777});
  for (int content = 0; content < 10; ++content) child_.Remove(1, content);
  child_.Commit();
  EXPECT_EQ(family_.Difference(), "");
  EXPECT_EQ(family_.parent().SizeOf(0, child_.NameOf(1)), 0u);
  EXPECT_EQ(family_.parent().known().size(), 90u);
}

TEST_F(UplinkTest, WhatWasThereBeforeIsTold) {
  PutMany(1, 0, 50);
  family_.Begin();
  PutMany(2, 25, 50);
  EXPECT_EQ(family_.Difference(), "");
}

TEST_F(UplinkTest, AfterATermOnlyWhatDiffersIsToldAnew) {
  family_.Begin();
  PutMany(1, 0, 300);
  ASSERT_EQ(family_.Difference(), "");
  child_.Cease();
  child_.Put(2, 7);
  child_.Remove(1, 8);
  child_.Commit();
  family_.Begin();
  child_.Put(3, 9);  // At once, while the directory is being read.
  child_.Commit();
  EXPECT_EQ(family_.Difference(), "");
  EXPECT_LE(counts().refreshed, 3u) << "ranges";
}

TEST_F(UplinkTest, ACopyThatIsToldAnewAsItWasIsNotTold) {
  family_.Begin();
  PutMany(1, 0, 50);
  ASSERT_EQ(family_.Difference(), "");
  const uint64_t told = child_.uplink().state().told;
  const uint64_t intervals = counts().intervals;
  for (int content = 0; content < 50; ++content) child_.TellAnew(content);
  child_.Commit();
  ASSERT_EQ(family_.Difference(), "");
  EXPECT_EQ(child_.uplink().state().told, told);
  child_.Put(1, 7, {.size = 777});
  child_.Commit();
  ASSERT_EQ(family_.Difference(), "");
  EXPECT_EQ(child_.uplink().state().told, told + 1);
  EXPECT_EQ(counts().intervals, intervals);
}

TEST_F(UplinkTest, AUriThatComesWithAnIntervalIsTold) {
  family_.Begin();
  child_.SetPolicy(PolicyOf({{.site = "films0", .forward = Forward::kScope}}));
  child_.Put(1, 6, {.with_uri = false});
  child_.Commit();
  ASSERT_EQ(family_.Difference(), "");
  EXPECT_EQ(child_.uplink().state().told_without_uri, 1u);
  child_.TellAnew(6);
  child_.Commit();
  EXPECT_EQ(family_.Difference(), "");
  EXPECT_EQ(family_.parent().known().size(), 1u);
  EXPECT_EQ(std::get<1>(*family_.parent().known().begin()).engine, "") << "as a scope";
}

// The store has forgotten the URI when it is told.
TEST_F(UplinkTest, WhatIsGoneIsTakenBackByItsUri) {
  child_.SetPolicy(PolicyOf({{.site = "films0", .forward = Forward::kScope},
                             {.site = "films1", .forward = Forward::kNone}}));
  PutMany(1, 0, 30);
  family_.Begin();
  PutMany(1, 30, 30);
  ASSERT_EQ(family_.Difference(), "");
  for (int content = 0; content < 60; ++content) child_.Remove(1, content);
  child_.Commit();
  EXPECT_EQ(family_.Difference(), "");
  EXPECT_TRUE(family_.parent().known().empty());
  EXPECT_EQ(child_.uplink().state().refreshed, 0u) << "it knew what to take back";
}

TEST_F(UplinkTest, AContentThatComesBackWithinABatchKeepsItsUri) {
  family_.Begin();
  child_.Put(1, 6);
  child_.Commit();
  child_.Remove(1, 6);
  child_.Put(2, 6, {.with_uri = false});
  child_.Commit();
  EXPECT_EQ(family_.Difference(), "");
  EXPECT_EQ(child_.expected_uris().size(), 1u);
}

TEST_F(UplinkTest, AnotherPolicyIsToldWhileChangesGoOn) {
  PutMany(1, 0, 200);
  child_.options().limits.walk_contents = 5;
  family_.Begin();
  ASSERT_EQ(family_.Difference(), "");
  const uint64_t intervals = counts().intervals;
  child_.SetPolicy(
      PolicyOf({{.site = "films0", .forward = Forward::kScope},
                {.uri_prefix = "http://films1.example/b/", .forward = Forward::kNone}}));
  for (int i = 0; i < 200; ++i) {
    child_.Put(2, i);
    child_.Remove(1, (i * 7) % 200);
    child_.Commit();
  }
  EXPECT_EQ(family_.Difference(), "");
  child_.SetPolicy(PolicyOf({}));
  EXPECT_EQ(family_.Difference(), "");
  EXPECT_EQ(counts().intervals, intervals) << "no range is told anew for a policy";
}

TEST_F(UplinkTest, ALinkThatFlapsLosesNothing) {
  family_.Begin();
  PutMany(1, 0, 100);
  ASSERT_EQ(family_.Difference(), "");
  const uint64_t intervals = counts().intervals;
  for (int i = 0; i < 5; ++i) {
    PutMany(2, 20 * i, 20);
    family_.cable().Break();
    child_.Remove(1, i);
    child_.Commit();
    ASSERT_TRUE(child_.uplink().Await(
        [](const Uplink::State& state) { return state.link.connected; }, kPatience));
  }
  EXPECT_EQ(family_.Difference(), "");
  EXPECT_EQ(counts().intervals, intervals);
}

TEST_F(UplinkTest, WhatFindsNoRoomIsToldWithItsRange) {
  child_.options().limits.pieces_max = 20;
  family_.Begin();
  ASSERT_EQ(family_.Difference(), "");
  PutMany(1, 0, 500);
  PutMany(2, 100, 500);
  EXPECT_EQ(family_.Difference(), "");
  EXPECT_GT(child_.uplink().state().refreshed, 0u);
}

TEST_F(UplinkTest, StopsWhateverItDoes) {
  PutMany(1, 0, 500);
  for (int i = 0; i < 10; ++i) {
    family_.Begin();
    if (i % 2 == 0) PutMany(2, 10 * i, 10);
    child_.Cease();
  }
  family_.Begin();
  EXPECT_EQ(family_.Difference(), "");
}

// ---- Of a farm.

class FarmUplinkTest : public UplinkTest {
 protected:
  FarmUplinkTest() : UplinkTest(1) {}

  void PutWithUris(int engine, int first, int count) {
    PutMany(engine, first, count);
    for (int content = first; content < first + count; ++content) child_.TellUri(content);
  }
};

TEST_F(FarmUplinkTest, CopiesWaitForTheirUris) {
  child_.options().limits.uri_wait = kPatience;  // Longer than anything here takes.
  family_.Begin();
  PutWithUris(1, 0, 100);
  EXPECT_EQ(family_.Difference(), "");
  EXPECT_EQ(child_.uplink().state().told_without_uri, 0u);
  EXPECT_EQ(counts().told, 100u) << "each once";
  child_.Put(1, 200);
  ASSERT_TRUE(child_.uplink().Await(
      [](const Uplink::State& state) { return state.waiting_for_uri == 1; }, kPatience));
  child_.Remove(1, 200);
  EXPECT_EQ(family_.Difference(), "");
  EXPECT_EQ(counts().told, 100u) << "the parent never heard of it";
}

TEST_F(FarmUplinkTest, AUriThatComesTooLateIsToldWithTheDifference) {
  child_.options().limits.uri_wait = milliseconds(1);
  child_.SetPolicy(PolicyOf({{.site = "films0", .forward = Forward::kNone}}));
  family_.Begin();
  PutMany(1, 0, 30);
  ASSERT_EQ(family_.Difference(), "");
  EXPECT_EQ(family_.parent().known().size(), 30u) << "no rule matches without a URI";
  EXPECT_EQ(child_.uplink().state().told_without_uri, 30u);
  for (int content = 0; content < 30; ++content) child_.TellUri(content);
  EXPECT_EQ(family_.Difference(), "");
  EXPECT_EQ(family_.parent().known().size(), 20u);
  EXPECT_EQ(family_.parent().StoredUriOf(0), "");
}

// As after a take-over: the store of the one that leads now has no URIs.
TEST_F(FarmUplinkTest, UrisThatWereNotThereAtTheBeginningAreTold) {
  PutMany(1, 0, 50);
  family_.Begin();
  ASSERT_EQ(family_.Difference(), "");
  for (int content = 0; content < 50; ++content) child_.TellUri(content);
  EXPECT_EQ(family_.Difference(), "");
  EXPECT_EQ(family_.parent().store().FindUri(testing::KeyOf(7))->value_or(""), testing::UriOf(7));
}

TEST_F(FarmUplinkTest, CopiesOfAnEngineThatNobodyKnowsAreToldWhenItIsKnown) {
  child_.Hide(1, true);
  PutWithUris(1, 0, 20);
  PutWithUris(2, 10, 20);
  family_.Begin();
  PutWithUris(1, 30, 20);
  EXPECT_EQ(family_.Difference(), "");
  EXPECT_EQ(child_.uplink().state().unnamed, 1u);
  child_.Hide(1, false);
  child_.uplink().OnHolder(directory::Holder(1));
  ASSERT_TRUE(child_.uplink().Await([](const Uplink::State& state) { return state.unnamed == 0; },
                                    kPatience));
  EXPECT_EQ(family_.Difference(), "");
}

TEST_F(FarmUplinkTest, ManyThreadsMayTell) {
  family_.Begin();
  std::atomic<bool> stop = false;
  std::thread uris([&] {
    for (int i = 0; !stop; ++i) child_.TellUri(i % 300);
  });
  std::thread policies([&] {
    for (int i = 0; !stop; ++i) child_.uplink().OnHolder(directory::Holder(1));
  });
  PutMany(1, 0, 300);
  PutMany(2, 100, 300);
  stop = true;
  uris.join();
  policies.join();
  EXPECT_EQ(family_.Difference(), "");
}

}  // namespace
}  // namespace strata::manager::uplink

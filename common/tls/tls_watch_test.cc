#include "common/tls/tls_watch.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <thread>

#include "common/tls/test_authority.h"
#include "common/wall_clock.h"

namespace strata::tls {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string NewFolder() {
  std::string path = testing::TempDir() + "/watch-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

bool Eventually(const std::function<bool()>& condition) {
  const auto end = steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

class TlsWatchTest : public testing::Test {
 protected:
  TlsWatchTest() : store_(*TlsStore::Open(paths_)) {}

  void Watch(Duration try_again = std::chrono::hours(1)) {
    TlsWatch::Options options;
    options.look_every = milliseconds(5);
    options.try_again = try_again;
    watch_ = std::make_unique<TlsWatch>(
        store_, metrics_,
        [this](const TlsMaterial& before, const TlsMaterial& now) {
          if (before.revoked != now.revoked) ++revoked_;
          if (before.own != now.own) ++renewed_;
          ++changes_;
        },
        options);
    // The first look reads everything.
    ASSERT_TRUE(Eventually([this] { return changes_ == 1; }));
  }
  double Metric(const std::string& name) const {
    for (const MetricSample& sample : metrics_.Samples()) {
      if (sample.name == name) return sample.value;
    }
    return NAN;
  }
  bool AwaitRefusals(double count) {
    return Eventually([&] { return Metric("strata_tls_reloads_refused_total") >= count; });
  }

  TestAuthority authority_{NewFolder()};
  const TlsPaths paths_ = authority_.Issue("strata://lan/manager/sm");
  const TlsPaths engine_ = authority_.Issue("strata://lan/engine/a");
  MetricRegistry metrics_;
  std::atomic<int> revoked_ = 0;
  std::atomic<int> renewed_ = 0;
  std::atomic<int> changes_ = 0;
  std::shared_ptr<TlsStore> store_;
  std::unique_ptr<TlsWatch> watch_;
};

TEST_F(TlsWatchTest, TakesUpRevocationsWithoutBeingTold) {
  Watch();
  const Identity theirs = (*TlsStore::Open(engine_))->Current()->own;
  ASSERT_TRUE(store_->Check(theirs).ok());
  authority_.Revoke(engine_);
  EXPECT_TRUE(Eventually([&] { return !store_->Check(theirs).ok(); }));
  EXPECT_TRUE(Eventually([&] { return revoked_ == 1; }));
  EXPECT_EQ(renewed_, 0);
}

TEST_F(TlsWatchTest, TakesUpARenewedCertificateWithItsKey) {
  Watch();
  const std::string serial = store_->Current()->own.serial;
  authority_.Issue("strata://lan/manager/sm");
  EXPECT_TRUE(Eventually([&] { return store_->Current()->own.serial != serial; }));
  EXPECT_TRUE(Eventually([&] { return renewed_ == 1; }));
  EXPECT_EQ(revoked_, 0);
}

TEST_F(TlsWatchTest, ADamagedListChangesNothingAndIsCounted) {
  Watch();
  authority_.Revoke(engine_);
  ASSERT_TRUE(Eventually([&] { return revoked_ == 1; }));
  const Identity theirs = (*TlsStore::Open({.authority = engine_.authority,
                                            .certificate = engine_.certificate,
                                            .key = engine_.key,
                                            .revocations = ""}))
                              ->Current()
                              ->own;
  WriteTestFile(paths_.revocations, "nothing", 0644);
  EXPECT_TRUE(AwaitRefusals(1));
  EXPECT_FALSE(store_->Check(theirs).ok());
  EXPECT_EQ(revoked_, 1);
}

TEST_F(TlsWatchTest, AListThatIsGoneChangesNothing) {
  Watch();
  const auto before = store_->Current();
  ASSERT_EQ(unlink(paths_.revocations.c_str()), 0);
  EXPECT_TRUE(AwaitRefusals(1));
  EXPECT_EQ(store_->Current(), before);
}

TEST_F(TlsWatchTest, WhatIsNotGoodYetIsTriedAgain) {
  Watch(milliseconds(50));
  const int64_t now_s = WallClockSeconds();
  authority_.Issue("strata://lan/manager/sm", {.from_s = now_s + 80000, .to_s = now_s + 90000});
  EXPECT_TRUE(AwaitRefusals(3));
}

TEST_F(TlsWatchTest, WhatCannotBeUsedIsNotTriedAtEachLook) {
  Watch();
  WriteTestFile(paths_.key, "nothing", 0600);
  EXPECT_TRUE(AwaitRefusals(1));
  ASSERT_TRUE(watch_->Reload().code() != StatusCode::kOk);
  EXPECT_EQ(Metric("strata_tls_reloads_refused_total"), 2);
}

TEST_F(TlsWatchTest, ReadsAtOnceWhenItIsTold) {
  Watch();
  authority_.Revoke(engine_);
  ASSERT_TRUE(watch_->Reload().ok());
  EXPECT_EQ(revoked_, 1);
}

TEST_F(TlsWatchTest, SaysHowLongEverythingIsGoodFor) {
  Watch();
  for (const char* name :
       {"strata_tls_certificate_left_seconds", "strata_tls_authority_left_seconds",
        "strata_tls_revocations_left_seconds"}) {
    EXPECT_GT(Metric(name), 86400 - 600) << name;
    EXPECT_LE(Metric(name), 86400) << name;
  }
}

TEST_F(TlsWatchTest, NoListNeverHasToBeReplaced) {
  TlsPaths paths = paths_;
  paths.revocations.clear();
  store_ = *TlsStore::Open(paths);
  Watch();
  EXPECT_TRUE(std::isinf(Metric("strata_tls_revocations_left_seconds")));
}

}  // namespace
}  // namespace strata::tls

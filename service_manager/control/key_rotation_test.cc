#include "service_manager/control/key_rotation.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <memory>
#include <string>

#include "common/random.h"
#include "service_manager/store/rocks_store.h"

namespace strata::manager::control {
namespace {

using std::chrono::seconds;

constexpr Timestamp kStart = Timestamp::FromNanos(1'000'000'000);

class KeyRotationTest : public ::testing::Test {
 protected:
  KeyRotationTest() {
    std::string pattern = std::string(getenv("TEST_TMPDIR")) + "/keys-XXXXXX";
    store::RocksStore::Options options;
    options.folder = std::string(mkdtemp(pattern.data())) + "/store";
    auto store = store::RocksStore::Open(std::move(options));
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
    auto registrar = Registrar::Open(*store_, random_);
    EXPECT_TRUE(registrar.ok()) << registrar.status().ToString();
    registrar_ = *std::move(registrar);
    keys_ = registrar_->keys();
    const auto use = [this](const std::vector<multicast::GroupKey>& keys) {
      keys_ = keys;
      return Ok();
    };
    rotation_ = std::make_unique<KeyRotation>(*registrar_, use, random_, kStart);
  }
  // Ticks once a second up to `time` after the start.
  void RunTo(Duration time) {
    for (; now_ <= kStart + time; now_ += seconds(1)) {
      ASSERT_TRUE(rotation_->OnTick(now_).ok());
    }
  }
  uint8_t sends_with() const { return keys_.front().id; }

  SeededRandom random_{1};
  std::unique_ptr<store::RocksStore> store_;
  std::unique_ptr<Registrar> registrar_;
  std::vector<multicast::GroupKey> keys_;  // In force in this process.
  std::unique_ptr<KeyRotation> rotation_;
  Timestamp now_ = kStart;
};

TEST_F(KeyRotationTest, NobodyAsksNothingChanges) {
  RunTo(seconds(300));
  EXPECT_EQ(keys_.size(), 1u);
  EXPECT_EQ(sends_with(), 1);
}

TEST_F(KeyRotationTest, TheNewKeyIsHandedOutBeforeItIsSentWithAndTheOldOneGoesLast) {
  rotation_->Ask(kStart);
  RunTo(seconds(29));
  EXPECT_EQ(keys_.size(), 1u);
  RunTo(seconds(31));
  ASSERT_EQ(keys_.size(), 2u);
  EXPECT_EQ(sends_with(), 1);
  RunTo(seconds(36));
  EXPECT_EQ(sends_with(), 2);
  EXPECT_EQ(keys_.size(), 2u);
  RunTo(seconds(100));
  EXPECT_EQ(sends_with(), 2);
  EXPECT_EQ(keys_.size(), 1u);
}

TEST_F(KeyRotationTest, ManyEvictionsAreOneChange) {
  for (int i = 0; i < 10; ++i) rotation_->Ask(kStart);
  RunTo(seconds(400));
  EXPECT_EQ(sends_with(), 2);
}

TEST_F(KeyRotationTest, AskedAtOnceItIsDoneInSeconds) {
  rotation_->AskAtOnce(kStart);
  RunTo(seconds(8));
  EXPECT_EQ(sends_with(), 2);
  EXPECT_EQ(keys_.size(), 1u);
}

TEST_F(KeyRotationTest, TheTimeToFetchTheNewKeyBeginsWhenItIsDurable) {
  rotation_->Ask(kStart);
  RunTo(seconds(30));
  ASSERT_EQ(keys_.size(), 2u);
  now_ += seconds(6);  // A backup was slow: as long nobody was told of the new key.
  RunTo(seconds(41));
  EXPECT_EQ(sends_with(), 1);
  RunTo(seconds(42));
  EXPECT_EQ(sends_with(), 2);
}

TEST_F(KeyRotationTest, WhoIsShutOutDuringAChangeDoesNotKeepTheNextKey) {
  rotation_->Ask(kStart);
  RunTo(seconds(31));  // Key 2 is announced: everybody may have it.
  rotation_->AskAtOnce(now_);
  RunTo(seconds(50));
  EXPECT_EQ(sends_with(), 3);
}

}  // namespace
}  // namespace strata::manager::control

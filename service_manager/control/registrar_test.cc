#include "service_manager/control/registrar.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/bytes.h"
#include "common/random.h"
#include "service_manager/control/manager_book.h"
#include "service_manager/store/mirrored_store.h"
#include "service_manager/store/rocks_store.h"

namespace strata::manager::control {
namespace {

constexpr char kFollower[] = "192.0.2.1:7400";

farm::EngineInfo InfoOf(const std::string& name) {
  farm::EngineInfo info;
  info.name = name;
  return info;
}

// A manager whose backup hangs: what it writes waits for a very long time.
class RegistrarTest : public testing::Test {
 protected:
  RegistrarTest() {
    std::filesystem::remove_all(folder_);
    own_ = *store::RocksStore::Open({.folder = folder_});
    store_ = *store::MirroredStore::Open(*own_, std::chrono::hours(1));
    EXPECT_TRUE(store_->Lead(1).ok());
    registrar_ = *Registrar::Open(*store_, random_);
    book_ = std::make_unique<ManagerBook>(*store_);
    EXPECT_TRUE(book_->Enroll("sm-1", kFollower).ok());
    north_ = *registrar_->Register(InfoOf("north-1"), instance_);
  }
  ~RegistrarTest() override {
    store_->GiveUp();
    for (std::thread& thread : threads_) thread.join();
  }

  // Returns when `write` is on this manager's disk, and waits for the backup.
  void Write(std::function<void()> write) {
    store_->Require({"sm-1"});
    const uint64_t before = store_->position().number;
    threads_.emplace_back(std::move(write));
    while (store_->position().number == before) std::this_thread::yield();
  }
  void ExpectDoneMeanwhile(const std::function<void()>& work) {
    absl::Notification done;
    threads_.emplace_back([&] {
      work();
      done.Notify();
    });
    EXPECT_TRUE(done.WaitForNotificationWithTimeout(absl::Seconds(20)));
    // Else it would go on without what it uses.
    if (!done.HasBeenNotified()) store_->GiveUp();
    done.WaitForNotification();
  }

  const std::string folder_ = testing::TempDir() + "registrar_test";
  const Bytes instance_ = Bytes(kInstanceBytes, 1);
  SeededRandom random_{1};
  std::unique_ptr<store::RocksStore> own_;
  std::unique_ptr<store::MirroredStore> store_;
  std::unique_ptr<Registrar> registrar_;
  std::unique_ptr<ManagerBook> book_;
  Registrar::Engine north_;
  std::vector<std::thread> threads_;
};

// What a leader tells a manager that begins to follow is not behind the writes that wait for it.
TEST_F(RegistrarTest, WhoBeginsToFollowDoesNotWaitForWritesThatWaitForHim) {
  const uint64_t group = registrar_->group_id();
  Write([&] { EXPECT_FALSE(registrar_->AddKey(random_).ok()); });
  Write([&] { EXPECT_FALSE(book_->Enroll("sm-3", "192.0.2.3:7400").ok()); });
  ExpectDoneMeanwhile([&] {
    EXPECT_EQ(registrar_->group_id(), group);
    EXPECT_TRUE(book_->Enroll("sm-1", kFollower).ok());
  });
}

TEST_F(RegistrarTest, EnginesRenewWhileAWriteWaits) {
  const auto keys = registrar_->keys();
  Write([&] { EXPECT_FALSE(registrar_->AddKey(random_).ok()); });
  ExpectDoneMeanwhile([&] {
    EXPECT_TRUE(registrar_->CheckRenewal("north-1", instance_, north_.registration).ok());
    EXPECT_EQ(registrar_->Find("north-1")->info.id, north_.info.id);
    EXPECT_EQ(registrar_->engines().size(), 1u);
    // A new key is nobody's before every manager that may take over has it.
    ASSERT_EQ(registrar_->keys().size(), 1u);
    EXPECT_EQ(registrar_->keys()[0].bytes, keys[0].bytes);
  });
}

TEST_F(RegistrarTest, WhoIsRegisteredLikeThatIsToldSoWhileAWriteWaits) {
  Write([&] { EXPECT_FALSE(registrar_->Register(InfoOf("south-1"), instance_).ok()); });
  ExpectDoneMeanwhile([&] {
    const auto again = registrar_->Register(InfoOf("north-1"), instance_);
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->registration, north_.registration);
    EXPECT_FALSE(registrar_->Find("south-1").ok()) << "it was not acknowledged yet";
  });
}

}  // namespace
}  // namespace strata::manager::control

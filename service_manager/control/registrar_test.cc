#include "service_manager/control/registrar.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/random.h"
#include "service_manager/control/manager_book.h"
#include "service_manager/store/mirrored_store.h"
#include "service_manager/store/rocks_store.h"

namespace strata::manager::control {
namespace {

constexpr char kFollower[] = "192.0.2.1:7400";

// What a leader tells a manager that begins to follow is not behind the writes that wait for it.
TEST(RegistrarTest, WhoBeginsToFollowDoesNotWaitForWritesThatWaitForHim) {
  const std::string folder = testing::TempDir() + "registrar_test";
  std::filesystem::remove_all(folder);
  const auto own = *store::RocksStore::Open({.folder = folder});
  const auto store = *store::MirroredStore::Open(*own, std::chrono::hours(1));
  ASSERT_TRUE(store->Lead(1).ok());
  SeededRandom random(1);
  const auto registrar = *Registrar::Open(*store, random);
  ManagerBook book(*store);
  ASSERT_TRUE(book.Enroll("sm-1", kFollower).ok());
  const uint64_t group = registrar->group_id();
  store->Require({"sm-1"});
  const uint64_t before = store->position().number;
  std::thread key([&] { EXPECT_FALSE(registrar->AddKey(random).ok()); });
  std::thread manager([&] { EXPECT_FALSE(book.Enroll("sm-3", "192.0.2.3:7400").ok()); });
  while (store->position().number < before + 2) std::this_thread::yield();
  absl::Notification told;
  std::thread follower([&] {
    EXPECT_EQ(registrar->group_id(), group);
    EXPECT_TRUE(book.Enroll("sm-1", kFollower).ok());
    told.Notify();
  });
  EXPECT_TRUE(told.WaitForNotificationWithTimeout(absl::Seconds(20)));
  store->GiveUp();
  for (std::thread* thread : {&key, &manager, &follower}) thread->join();
}

}  // namespace
}  // namespace strata::manager::control

#include "multicast/driver/state_store.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "common/bytes.h"
#include "common/status.h"
#include "gtest/gtest.h"
#include "multicast/driver/state_file.h"

namespace strata::multicast {
namespace {

Bytes BytesOf(std::string_view text) {
  ByteSpan span = AsBytes(text);
  return Bytes(span.begin(), span.end());
}

// Counts wake-ups and waits for conditions that they may have brought about.
class Doorbell {
 public:
  void Ring() {
    std::lock_guard lock(mutex_);
    rung_.notify_all();
  }
  template <class Condition>
  bool WaitUntil(Condition condition) {
    std::unique_lock lock(mutex_);
    return rung_.wait_for(lock, std::chrono::seconds(20), condition);
  }

 private:
  std::mutex mutex_;
  std::condition_variable rung_;
};

class FileStateStoreTest : public testing::Test {
 protected:
  FileStateStoreTest() {
    folder_ = testing::TempDir() + "/storeXXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  }
  std::string Path() const { return folder_ + "/state"; }
  std::unique_ptr<StateFile> File() {
    auto file = StateFile::Open(Path(), GroupId(1), MemberId(1));
    EXPECT_TRUE(file.ok()) << MessageOf(file.status());
    return *std::move(file);
  }

  std::string folder_;
  Doorbell bell_;
};

TEST(MemoryStateStoreTest, ConfirmsAtOnceAndForgets) {
  MemoryStateStore store;
  store.Store(4, BytesOf("x"));
  EXPECT_EQ(store.stored(), 4u);
  EXPECT_TRUE(store.Load()->empty());
}

TEST_F(FileStateStoreTest, ConfirmsOnceTheStateIsOnDisk) {
  FileStateStore store(File(), false, [this] { bell_.Ring(); });
  store.Store(1, BytesOf("one"));
  ASSERT_TRUE(bell_.WaitUntil([&] { return store.stored() == 1; }));
  EXPECT_EQ(*store.Load(), BytesOf("one"));
}

TEST_F(FileStateStoreTest, AtOnceMeansBeforeStoreReturns) {
  FileStateStore store(File(), true, [] {});
  store.Store(1, BytesOf("one"));
  EXPECT_EQ(store.stored(), 1u);
}

TEST_F(FileStateStoreTest, EndsWithTheLastOfManyStates) {
  {
    FileStateStore store(File(), false, [] {});
    for (uint64_t i = 1; i <= 100; ++i) store.Store(i, BytesOf(std::to_string(i)));
  }
  EXPECT_EQ(*File()->Load(), BytesOf("100"));
}

TEST_F(FileStateStoreTest, RepeatsAFailedWriteUntilItWorks) {
  FileStateStore store(File(), false, [this] { bell_.Ring(); });
  // A folder where the temporary file would be.
  std::string obstacle = Path() + ".new";
  ASSERT_EQ(mkdir(obstacle.c_str(), 0700), 0);
  store.Store(1, BytesOf("one"));
  ASSERT_TRUE(bell_.WaitUntil([&] { return store.errors() >= 1; }));
  EXPECT_EQ(store.stored(), 0u);
  EXPECT_NE(store.last_error().find(obstacle), std::string::npos);
  ASSERT_EQ(rmdir(obstacle.c_str()), 0);
  ASSERT_TRUE(bell_.WaitUntil([&] { return store.stored() == 1; }));
  EXPECT_EQ(*store.Load(), BytesOf("one"));
}

}  // namespace
}  // namespace strata::multicast

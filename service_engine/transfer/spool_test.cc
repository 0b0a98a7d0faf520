#include "service_engine/transfer/spool.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace strata::engine::transfer {
namespace {

std::string Folder() { return ::testing::TempDir(); }

TEST(SpoolTest, WhatWasAppendedIsReadFromAnywhere) {
  const auto spool = Spool::Create(Folder(), 0);
  ASSERT_TRUE(spool.ok()) << ToString(spool.status());
  std::vector<uint8_t> bytes(100000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7);
  ASSERT_TRUE((*spool)->Append(ByteSpan(bytes).first(60000)).ok());
  ASSERT_TRUE((*spool)->Append(ByteSpan(bytes).subspan(60000)).ok());
  std::vector<uint8_t> read(50000);
  ASSERT_TRUE((*spool)->ReadAt(40000, read).ok());
  EXPECT_TRUE(std::equal(read.begin(), read.end(), bytes.begin() + 40000));
  EXPECT_EQ((*spool)->ReadAt(60000, read).code(), StatusCode::kDataLoss);
}

TEST(SpoolTest, NothingIsLeftInTheFolder) {
  const std::string folder = Folder() + "/empty";
  std::filesystem::create_directory(folder);
  const auto spool = Spool::Create(folder, 0);
  ASSERT_TRUE(spool.ok());
  const uint8_t byte = 1;
  ASSERT_TRUE((*spool)->Append(ByteSpan(&byte, 1)).ok());
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST(SpoolTest, AFolderThatIsNotThereIsNamed) {
  const auto spool = Spool::Create("/nowhere", 0);
  EXPECT_EQ(spool.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(MessageOf(spool.status()).find("/nowhere"), std::string::npos);
}

TEST(SpoolTest, RoomIsLeftOnTheDisk) {
  const auto spool = Spool::Create(Folder(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(spool.status().code(), StatusCode::kResourceExhausted);
}

TEST(SpoolTest, AWriteThatDoesNotFitIsAnError) {
  const auto spool = Spool::Create(Folder(), 0);
  ASSERT_TRUE(spool.ok());
  // The nearest thing to a full disk that any process can have.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 1000, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status status = (*spool)->Append(std::vector<uint8_t>(2000));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << ToString(status);
}

}  // namespace
}  // namespace strata::engine::transfer

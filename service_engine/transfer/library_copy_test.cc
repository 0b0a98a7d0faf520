#include "service_engine/transfer/library_copy.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace strata::engine::transfer {
namespace {

namespace fs = std::filesystem;

class LibraryCopyTest : public ::testing::Test {
 protected:
  LibraryCopyTest() {
    std::string path = ::testing::TempDir() + "/library_XXXXXX";
    folder_ = mkdtemp(path.data());
  }
  ~LibraryCopyTest() override { fs::remove_all(folder_); }

  std::unique_ptr<LibraryCopy> Begin(const std::string& path) {
    StatusOr<std::unique_ptr<LibraryCopy>> copy = LibraryCopy::Begin(folder_, path, "one");
    EXPECT_TRUE(copy.ok()) << MessageOf(copy.status());
    return copy.ok() ? std::move(*copy) : nullptr;
  }
  static Status Write(LibraryCopy& copy, const std::string& text) {
    STRATA_RETURN_IF_ERROR(copy.Append(AsBytes(text)));
    return copy.Finish("Thu, 01 Jan 1970 00:01:40 GMT");
  }
  std::string Read(const std::string& path) const {
    std::ifstream file(folder_ + "/" + path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string folder_;
};

TEST_F(LibraryCopyTest, AFileComesAsAWholeWithItsTimeAndRights) {
  auto copy = Begin("a/b/film.mp4");
  ASSERT_TRUE(Write(*copy, "film").ok());
  EXPECT_FALSE(fs::exists(folder_ + "/a"));
  ASSERT_TRUE(copy->Publish().ok());
  EXPECT_EQ(Read("a/b/film.mp4"), "film");
  struct stat info {};
  ASSERT_EQ(stat((folder_ + "/a/b/film.mp4").c_str(), &info), 0);
  EXPECT_EQ(info.st_mtime, 100);
  EXPECT_EQ(info.st_mode & 0777, 0644u);
  copy.reset();
  EXPECT_EQ(Read("a/b/film.mp4"), "film");
  EXPECT_TRUE(fs::is_empty(folder_ + "/" + kCopyingFolder));
}

TEST_F(LibraryCopyTest, WhatIsNotPublishedLeavesNothing) {
  auto copy = Begin("film.mp4");
  ASSERT_TRUE(Write(*copy, "fi").ok());
  copy.reset();
  EXPECT_FALSE(fs::exists(folder_ + "/film.mp4"));
  EXPECT_TRUE(fs::is_empty(folder_ + "/" + kCopyingFolder));
}

TEST_F(LibraryCopyTest, AFileThatIsThereStays) {
  std::ofstream(folder_ + "/film.mp4") << "other";
  auto copy = Begin("film.mp4");
  ASSERT_TRUE(Write(*copy, "film").ok());
  EXPECT_EQ(copy->Publish().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Read("film.mp4"), "other");
}

TEST_F(LibraryCopyTest, NoLinkIsFollowed) {
  const fs::path outside = folder_ + "_outside";
  fs::create_directory(outside);
  fs::create_directory_symlink(outside, folder_ + "/a");
  auto copy = Begin("a/film.mp4");
  ASSERT_TRUE(Write(*copy, "film").ok());
  EXPECT_EQ(copy->Publish().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(fs::is_empty(outside));
  fs::remove_all(outside);
}

TEST_F(LibraryCopyTest, AFileInPlaceOfAFolderIsToldAndNotHurt) {
  std::ofstream(folder_ + "/a") << "a file";
  auto copy = Begin("a/film.mp4");
  ASSERT_TRUE(Write(*copy, "film").ok());
  EXPECT_FALSE(copy->Publish().ok());
  EXPECT_EQ(Read("a"), "a file");
}

TEST_F(LibraryCopyTest, ADateThatIsNoneIsIgnored) {
  auto copy = Begin("film.mp4");
  ASSERT_TRUE(copy->Append(AsBytes(std::string("film"))).ok());
  ASSERT_TRUE(copy->Finish("yesterday").ok());
  EXPECT_TRUE(copy->Publish().ok());
}

TEST_F(LibraryCopyTest, SomeRoomIsLeft) {
  const StatusOr<uint64_t> free = LibraryCopy::FreeBytes(folder_);
  ASSERT_TRUE(free.ok());
  EXPECT_LT(*free, fs::space(folder_).free);
  EXPECT_FALSE(LibraryCopy::FreeBytes(folder_ + "/nowhere").ok());
}

TEST_F(LibraryCopyTest, RemainsOfALifeBeforeGo) {
  Begin("film.mp4")->Append(AsBytes(std::string("film"))).IgnoreError();
  LibraryCopy::RemoveRemains(folder_);
  EXPECT_FALSE(fs::exists(folder_ + "/" + kCopyingFolder));
}

}  // namespace
}  // namespace strata::engine::transfer

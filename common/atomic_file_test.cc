#include "common/atomic_file.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <string>

#include "common/file.h"
#include "gtest/gtest.h"

namespace strata {
namespace {

std::string NewFolder() {
  std::string path = testing::TempDir() + "/atomic-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

int FilesIn(const std::string& folder) {
  int files = 0;
  DIR* open = opendir(folder.c_str());
  while (readdir(open) != nullptr) ++files;
  closedir(open);
  return files - 2;  // . and ..
}

TEST(AtomicFileTest, WritesAndReplaces) {
  const std::string folder = NewFolder();
  const std::string path = folder + "/file";
  ASSERT_TRUE(WriteFileAtomically(path, "one, and long", 0644).ok());
  ASSERT_TRUE(WriteFileAtomically(path, "two", 0600).ok());
  EXPECT_EQ(*ReadFile(path, 100), "two");
  struct stat about {};
  ASSERT_EQ(stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  EXPECT_EQ(FilesIn(folder), 1);
}

TEST(AtomicFileTest, LeavesNothingBehindWhenItFails) {
  const std::string folder = NewFolder();
  ASSERT_EQ(mkdir((folder + "/taken").c_str(), 0755), 0);
  const Status failed = WriteFileAtomically(folder + "/taken", "x", 0600);
  EXPECT_FALSE(failed.ok());
  EXPECT_EQ(MessageOf(failed).find(folder + "/taken: "), 0u);
  EXPECT_EQ(FilesIn(folder), 1);
}

TEST(AtomicFileTest, NamesAFolderThatIsNotThere) {
  const Status failed = WriteFileAtomically("/nowhere/file", "x", 0600);
  EXPECT_EQ(failed.code(), StatusCode::kNotFound);
  EXPECT_EQ(MessageOf(failed), "/nowhere/file: No such file or directory");
}

}  // namespace
}  // namespace strata

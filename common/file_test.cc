#include "common/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace strata {
namespace {

std::string WriteFile(const std::string& name, const std::string& content) {
  const std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

TEST(ReadFileTest, ReadsFilesOfEverySizeUpToTheLimit) {
  for (const size_t size : {0, 1, 4095, 4096, 4097, 100000}) {
    const std::string content(size, 'x');
    const std::string path = WriteFile("content", content);
    EXPECT_EQ(ReadFile(path, 100000).value(), content);
    EXPECT_EQ(ReadFile(path, size).value(), content);
  }
}

TEST(ReadFileTest, RefusesAFileOverTheLimit) {
  const std::string path = WriteFile("big", std::string(5001, 'x'));
  const Status status = ReadFile(path, 5000).status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(MessageOf(status), path + ": more than 5000 bytes");
  EXPECT_FALSE(ReadFile(WriteFile("one", "x"), 0).ok());
}

TEST(ReadFileTest, NamesAFileThatIsMissing) {
  const Status status = ReadFile("/nowhere/settings.yaml", 10).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(MessageOf(status), "/nowhere/settings.yaml: No such file or directory");
}

TEST(ReadFileTest, RefusesWhatIsNotARegularFileWithoutWaiting) {
  const std::string pipe = testing::TempDir() + "/pipe";
  std::filesystem::remove(pipe);
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& path : {pipe, testing::TempDir(), std::string("/dev/zero")}) {
    EXPECT_EQ(ReadFile(path, 10).status().code(), StatusCode::kFailedPrecondition) << path;
  }
}

TEST(ReadFileTest, ReadsFilesThatHideTheirSize) {
  EXPECT_GT(ReadFile("/proc/self/status", 100000).value().size(), 0u);
}

}  // namespace
}  // namespace strata

#include "multicast/driver/key_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "common/status.h"
#include "gtest/gtest.h"

namespace strata::multicast {
namespace {

const std::string kKey = "000102030405060708090a0b0c0d0e0f";

std::string ErrorOf(const std::string& text) {
  auto keys = ParseKeys(text, "group.keys");
  return keys.ok() ? "" : MessageOf(keys.status());
}

TEST(KeyFileTest, ReadsIdsAndKeysInOrder) {
  auto keys = ParseKeys("# a comment\n\n 7 \t" + kKey + " \r\n0 " + kKey + kKey, "f");
  ASSERT_TRUE(keys.ok()) << MessageOf(keys.status());
  ASSERT_EQ(keys->size(), 2u);
  EXPECT_EQ((*keys)[0].id, 7);
  EXPECT_EQ((*keys)[0].bytes.size(), 16u);
  EXPECT_EQ((*keys)[0].bytes[15], 0x0f);
  EXPECT_EQ((*keys)[1].id, 0);
  EXPECT_EQ((*keys)[1].bytes.size(), 32u);
}

TEST(KeyFileTest, NamesFileAndLineOfAnError) {
  EXPECT_EQ(ErrorOf("1 " + kKey + "\n256 " + kKey),
            "group.keys:2: not \"<id 0 to 255> <key in hex>\"");
  EXPECT_NE(ErrorOf("1").find("group.keys:1:"), std::string::npos);
  EXPECT_NE(ErrorOf("1 xyz").find("group.keys:1: the key is not in hex"), std::string::npos);
  EXPECT_NE(ErrorOf("\n\n1 0011").find("group.keys:3: a key of 2 bytes"), std::string::npos);
  EXPECT_NE(ErrorOf("1 " + kKey + "\n1 " + kKey).find("group.keys:2: key id 1"), std::string::npos);
  EXPECT_NE(ErrorOf("# nothing\n").find("no key in it"), std::string::npos);
}

TEST(KeyFileTest, NeverRepeatsAKeyInAnError) {
  EXPECT_EQ(ErrorOf("1 " + kKey + "0").find(kKey), std::string::npos);
  EXPECT_EQ(ErrorOf("1x " + kKey).find(kKey), std::string::npos);
}

TEST(KeyFileTest, RefusesAFileThatOthersMayRead) {
  std::string path = testing::TempDir() + "/group.keys";
  std::ofstream(path) << "1 " << kKey << "\n";
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  Status refused = ReadKeyFile(path).status();
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied);
  EXPECT_NE(MessageOf(refused).find(path), std::string::npos);
  EXPECT_NE(MessageOf(refused).find("640"), std::string::npos);
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  EXPECT_TRUE(ReadKeyFile(path).ok());
  unlink(path.c_str());
}

TEST(KeyFileTest, NamesAFileThatIsNotThere) {
  Status missing = ReadKeyFile("/nowhere/group.keys").status();
  EXPECT_EQ(missing.code(), StatusCode::kNotFound);
  EXPECT_NE(MessageOf(missing).find("/nowhere/group.keys"), std::string::npos);
}

}  // namespace
}  // namespace strata::multicast

#include "multicast/driver/state_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "common/bytes.h"
#include "common/status.h"
#include "gtest/gtest.h"
#include "multicast/driver/crc32c.h"
#include "multicast/driver/limits.h"

namespace strata::multicast {
namespace {

constexpr GroupId kGroup(7);
constexpr MemberId kMember(3);

Bytes BytesOf(std::string_view text) {
  ByteSpan span = AsBytes(text);
  return Bytes(span.begin(), span.end());
}

class StateFileTest : public testing::Test {
 protected:
  StateFileTest() {
    std::string folder = testing::TempDir() + "/stateXXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    path_ = folder + "/member.state";
  }
  std::unique_ptr<StateFile> Open(GroupId group = kGroup, MemberId member = kMember) {
    auto file = StateFile::Open(path_, group, member);
    EXPECT_TRUE(file.ok()) << MessageOf(file.status());
    return file.ok() ? *std::move(file) : nullptr;
  }
  std::string Raw() const {
    std::ifstream in(path_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  void SetRaw(const std::string& raw) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << raw;
  }

  std::string path_;
};

TEST(Crc32cTest, GivesTheValueOfTheStandardExample) {
  EXPECT_EQ(Crc32c(AsBytes("123456789")), 0xe3069283u);
  EXPECT_EQ(Crc32c(AsBytes("6789"), Crc32c(AsBytes("12345"))), 0xe3069283u);
}

TEST_F(StateFileTest, IsEmptyBeforeTheFirstSave) {
  auto state = Open()->Load();
  ASSERT_TRUE(state.ok());
  EXPECT_TRUE(state->empty());
}

TEST_F(StateFileTest, KeepsWhatWasSavedLastAcrossProcesses) {
  {
    auto file = Open();
    ASSERT_TRUE(file->Save(AsBytes("first")).ok());
    ASSERT_TRUE(file->Save(AsBytes("second")).ok());
  }
  auto state = Open()->Load();
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(*state, BytesOf("second"));
}

TEST_F(StateFileTest, HasTheDocumentedLayout) {
  ASSERT_TRUE(Open()->Save(AsBytes("x")).ok());
  std::string raw = Raw();
  ASSERT_EQ(raw.size(), 33u);
  EXPECT_EQ(raw.substr(0, 8), "STRATAMG");
  const std::string kRest("\0\0\0\1\0\0\0\3\0\0\0\0\0\0\0\7\0\0\0\1", 20);
  EXPECT_EQ(raw.substr(8, 20), kRest);
  EXPECT_EQ(raw.back(), 'x');
}

TEST_F(StateFileTest, LeavesNoTemporaryFileBehind) {
  ASSERT_TRUE(Open()->Save(AsBytes("x")).ok());
  EXPECT_NE(access((path_ + ".new").c_str(), F_OK), 0);
}

TEST_F(StateFileTest, IgnoresAHalfWrittenTemporaryFile) {
  ASSERT_TRUE(Open()->Save(AsBytes("good")).ok());
  std::ofstream(path_ + ".new") << "half";
  EXPECT_EQ(*Open()->Load(), BytesOf("good"));
}

TEST_F(StateFileTest, RefusesEveryDamagedByte) {
  ASSERT_TRUE(Open()->Save(AsBytes("some state")).ok());
  const std::string raw = Raw();
  for (size_t i = 0; i < raw.size(); ++i) {
    std::string damaged = raw;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    SetRaw(damaged);
    EXPECT_FALSE(Open()->Load().ok()) << "byte " << i;
  }
}

TEST_F(StateFileTest, RefusesEveryShorterOrLongerFile) {
  ASSERT_TRUE(Open()->Save(AsBytes("some state")).ok());
  const std::string raw = Raw();
  for (size_t n = 0; n < raw.size(); ++n) {
    SetRaw(raw.substr(0, n));
    EXPECT_EQ(Open()->Load().status().code(), StatusCode::kDataLoss) << n << " bytes";
  }
  SetRaw(raw + "x");
  EXPECT_EQ(Open()->Load().status().code(), StatusCode::kDataLoss);
}

TEST_F(StateFileTest, RefusesTheFileOfAnotherMemberOrGroupAndSaysWhose) {
  ASSERT_TRUE(Open()->Save(AsBytes("x")).ok());
  Status other = Open(kGroup, MemberId(4))->Load().status();
  EXPECT_EQ(other.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(MessageOf(other).find("member 3 of group 7"), std::string::npos) << MessageOf(other);
  EXPECT_EQ(Open(GroupId(8))->Load().status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(StateFileTest, PassesOverTheFileOfAnotherWhereItIsToldTo) {
  ASSERT_TRUE(Open()->Save(AsBytes("x")).ok());
  const auto file = Open(GroupId(8));
  file->PassOverOthers();
  const StatusOr<Bytes> none = file->Load();
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_TRUE(none->empty());
  ASSERT_TRUE(file->Save(AsBytes("y")).ok());
  EXPECT_EQ(file->Load()->size(), 1u);
}

TEST_F(StateFileTest, SaysWhoseItIsAlsoWhileItIsHeld) {
  EXPECT_EQ(StateFile::OwnerOf(path_).value(), std::nullopt);
  const auto file = Open();
  ASSERT_TRUE(file->Save(AsBytes("x")).ok());
  const auto owner = StateFile::OwnerOf(path_).value();
  ASSERT_TRUE(owner.has_value());
  EXPECT_EQ(owner->group, kGroup);
  EXPECT_EQ(owner->member, kMember);
  SetRaw(Raw() + "x");
  EXPECT_EQ(StateFile::OwnerOf(path_).status().code(), StatusCode::kDataLoss);
}

TEST_F(StateFileTest, RefusesALaterFormatByItsNumber) {
  ASSERT_TRUE(Open()->Save(AsBytes("x")).ok());
  std::string raw = Raw();
  raw[11] = 2;
  SetRaw(raw);
  EXPECT_EQ(Open()->Load().status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(StateFileTest, IsHeldByOneAtATime) {
  auto file = Open();
  Status second = StateFile::Open(path_, kGroup, kMember).status();
  EXPECT_EQ(second.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(MessageOf(second).find(path_), std::string::npos);
}

TEST_F(StateFileTest, SaysWhichFileItCannotWrite) {
  auto file = Open();
  ASSERT_EQ(unlink((path_ + ".lock").c_str()), 0);
  ASSERT_EQ(rmdir(path_.substr(0, path_.rfind('/')).c_str()), 0);
  Status saved = file->Save(AsBytes("x"));
  EXPECT_EQ(saved.code(), StatusCode::kUnavailable);
  EXPECT_NE(MessageOf(saved).find(path_), std::string::npos);
}

TEST_F(StateFileTest, RefusesAStateBeyondTheLimit) {
  EXPECT_EQ(Open()->Save(Bytes(kMaxStateBytes + 1)).code(), StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace strata::multicast

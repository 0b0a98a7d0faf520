#include "multicast/core/fragment_joiner.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::multicast {
namespace {

constexpr MemberId kSender = MemberId(3);

Incarnation Life(uint8_t n) {
  Incarnation incarnation;
  incarnation.bytes.fill(n);
  return incarnation;
}

Fragment Piece(uint16_t index, uint16_t count, std::string_view text, uint32_t body_id = 1) {
  return {static_cast<uint8_t>(PacketType::kReport), index, count, body_id, AsBytes(text)};
}

class FragmentJoinerTest : public ::testing::Test {
 protected:
  auto Put(const Fragment& fragment, MemberId sender = kSender, uint8_t life = 1) {
    return joiner_.OnFragment(sender, Life(life), fragment);
  }
  FragmentJoiner joiner_;
};

TEST_F(FragmentJoinerTest, JoinsTheFragmentsInOrder) {
  EXPECT_FALSE(Put(Piece(0, 3, "ab")));
  EXPECT_FALSE(Put(Piece(1, 3, "cd")));
  const auto joined = Put(Piece(2, 3, "e"));
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->type, PacketType::kReport);
  EXPECT_EQ(AsText(joined->body), "abcde");
}

TEST_F(FragmentJoinerTest, JoinsThemInAnyOrder) {
  Put(Piece(2, 3, "e"));
  Put(Piece(0, 3, "ab"));
  const auto joined = Put(Piece(1, 3, "cd"));
  ASSERT_TRUE(joined);
  EXPECT_EQ(AsText(joined->body), "abcde");
}

TEST_F(FragmentJoinerTest, ADuplicateFragmentCountsOnce) {
  Put(Piece(0, 3, "ab"));
  EXPECT_FALSE(Put(Piece(0, 3, "ab")));
  EXPECT_FALSE(Put(Piece(0, 3, "ab")));
  Put(Piece(1, 3, "cd"));
  EXPECT_TRUE(Put(Piece(2, 3, "e")));
}

TEST_F(FragmentJoinerTest, ABodyOfOneFragmentIsWholeAtOnce) {
  const auto joined = Put(Piece(0, 1, "all"));
  ASSERT_TRUE(joined);
  EXPECT_EQ(AsText(joined->body), "all");
}

TEST_F(FragmentJoinerTest, ANewBodyReplacesAnUnfinishedOne) {
  Put(Piece(0, 2, "old", 1));
  Put(Piece(0, 2, "new", 2));
  const auto joined = Put(Piece(1, 2, "er", 2));
  ASSERT_TRUE(joined);
  EXPECT_EQ(AsText(joined->body), "newer");
}

TEST_F(FragmentJoinerTest, ANewIncarnationStartsAnew) {
  Put(Piece(0, 2, "old"), kSender, 1);
  EXPECT_FALSE(Put(Piece(1, 2, "er"), kSender, 2));
}

TEST_F(FragmentJoinerTest, SendersDoNotMix) {
  Put(Piece(0, 2, "ab"), MemberId(3));
  EXPECT_FALSE(Put(Piece(1, 2, "cd"), MemberId(4)));
  const auto joined = Put(Piece(1, 2, "ef"), MemberId(3));
  ASSERT_TRUE(joined);
  EXPECT_EQ(AsText(joined->body), "abef");
}

TEST_F(FragmentJoinerTest, AFinishedBodyIsForgotten) {
  Put(Piece(0, 1, "all"));
  EXPECT_TRUE(Put(Piece(0, 1, "all"))) << "the same again is whole again";
}

TEST_F(FragmentJoinerTest, RefusesTypesThatAreNeverCut) {
  for (const PacketType type : {PacketType::kData, PacketType::kFragment, PacketType::kAck}) {
    Fragment fragment = Piece(0, 1, "x");
    fragment.inner_type = static_cast<uint8_t>(type);
    EXPECT_FALSE(Put(fragment)) << static_cast<int>(type);
  }
}

TEST_F(FragmentJoinerTest, RefusesImpossibleNumbers) {
  EXPECT_FALSE(Put(Piece(0, 0, "x")));
  EXPECT_FALSE(Put(Piece(1, 1, "x")));
  EXPECT_FALSE(Put(Piece(0, kMaxFragments + 1, "x")));
}

TEST_F(FragmentJoinerTest, GivesUpABodyThatGrowsTooLarge) {
  const std::string piece(kMaxControlBody / 4, 'x');
  for (uint16_t i = 0; i < 4; ++i) EXPECT_FALSE(Put(Piece(i, 6, piece)));
  EXPECT_FALSE(Put(Piece(4, 6, "one byte too many")));
  EXPECT_FALSE(Put(Piece(5, 6, "x"))) << "the rest of it finds nothing";
}

TEST_F(FragmentJoinerTest, TakesABodyOfExactlyTheLargestSize) {
  const std::string half(kMaxControlBody / 2, 'x');
  Put(Piece(0, 2, half));
  EXPECT_TRUE(Put(Piece(1, 2, half)));
}

TEST_F(FragmentJoinerTest, RemembersABoundedNumberOfSenders) {
  for (uint32_t id = 1; id <= FragmentJoiner::kMaxSenders + 1; ++id) {
    Put(Piece(0, 2, "ab"), MemberId(id));
  }
  EXPECT_FALSE(Put(Piece(1, 2, "cd"), MemberId(1))) << "the first had to go";
  EXPECT_TRUE(Put(Piece(1, 2, "cd"), MemberId(FragmentJoiner::kMaxSenders + 1)));
}

}  // namespace
}  // namespace strata::multicast

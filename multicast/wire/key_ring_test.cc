#include <gtest/gtest.h>

#include "common/hex.h"
#include "multicast/wire/seal.h"

namespace strata::multicast {
namespace {

const Bytes kKey(16, 1);
const Bytes kOther(64, 2);

TEST(KeyRingTest, IsOpenUntilItHasAKey) {
  KeyRing ring;
  EXPECT_TRUE(ring.open());
  EXPECT_TRUE(ring.Find(0).empty());
  EXPECT_TRUE(ring.Add(5, kKey).ok());
  EXPECT_FALSE(ring.open());
  EXPECT_EQ(ring.in_use(), 5);
  EXPECT_EQ(ToHex(ring.Find(5)), ToHex(kKey));
}

TEST(KeyRingTest, TakesKeysOf16To64Bytes) {
  KeyRing ring;
  EXPECT_EQ(ring.Add(1, Bytes(15)).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ring.Add(1, Bytes(65)).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(ring.Add(1, Bytes(16)).ok());
  EXPECT_TRUE(ring.Add(2, Bytes(64)).ok());
}

TEST(KeyRingTest, TakesTheSameKeyTwiceButNoOtherOfItsId) {
  KeyRing ring;
  ASSERT_TRUE(ring.Add(1, kKey).ok());
  const uint64_t generation = ring.generation();
  EXPECT_TRUE(ring.Add(1, kKey).ok());
  EXPECT_EQ(ring.generation(), generation);
  EXPECT_EQ(ring.Add(1, kOther).code(), StatusCode::kAlreadyExists);
}

TEST(KeyRingTest, UsesTheFirstKeyUntilToldOtherwise) {
  KeyRing ring;
  ASSERT_TRUE(ring.Add(1, kKey).ok());
  ASSERT_TRUE(ring.Add(2, kOther).ok());
  EXPECT_EQ(ring.in_use(), 1);
  EXPECT_EQ(ring.Use(3).code(), StatusCode::kNotFound);
  EXPECT_TRUE(ring.Use(2).ok());
  EXPECT_EQ(ring.in_use(), 2);
}

TEST(KeyRingTest, ForgetsAnyKeyButTheOneInUse) {
  KeyRing ring;
  EXPECT_EQ(ring.Forget(1).code(), StatusCode::kNotFound);
  ASSERT_TRUE(ring.Add(1, kKey).ok());
  ASSERT_TRUE(ring.Add(2, kOther).ok());
  EXPECT_EQ(ring.Forget(1).code(), StatusCode::kFailedPrecondition);
  const uint64_t generation = ring.generation();
  EXPECT_TRUE(ring.Forget(2).ok());
  EXPECT_NE(ring.generation(), generation);
  EXPECT_TRUE(ring.Find(2).empty());
}

}  // namespace
}  // namespace strata::multicast

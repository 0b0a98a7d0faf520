#include "multicast/wire/packets.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "multicast/wire/test_values.h"

// What holds for every packet whose body is all fields: whatever is well formed comes back the
// same, whatever is cut short is refused. Rules of single packets are tested beside them.

namespace strata::multicast {
namespace {

using testing::Encoded;
using testing::Values;

constexpr uint64_t kSeeds = 40;

template <class T>
struct Codec;

#define STRATA_TEST_CODEC(T)                                            \
  template <>                                                           \
  struct Codec<T> {                                                     \
    static T Any(Values& values) { return values.Any##T(); }            \
    static Decoded<T> Decode(ByteSpan body) { return Decode##T(body); } \
  };
STRATA_TEST_CODEC(Ack)
STRATA_TEST_CODEC(Commit)
STRATA_TEST_CODEC(Resend)
STRATA_TEST_CODEC(Heartbeat)
STRATA_TEST_CODEC(Ranges)
STRATA_TEST_CODEC(Propose)
STRATA_TEST_CODEC(ViewProposal)
STRATA_TEST_CODEC(Report)
STRATA_TEST_CODEC(Ballot)
STRATA_TEST_CODEC(Join)
STRATA_TEST_CODEC(JoinRefused)
STRATA_TEST_CODEC(SnapshotRequest)
#undef STRATA_TEST_CODEC

template <class T>
class PacketsTest : public ::testing::Test {};
using PacketTypes = ::testing::Types<Ack, Commit, Resend, Heartbeat, Ranges, Propose, ViewProposal,
                                     Report, Ballot, Join, JoinRefused, SnapshotRequest>;
TYPED_TEST_SUITE(PacketsTest, PacketTypes);

// Every length below `size`, or a sample that has both ends if there are very many.
std::vector<size_t> LengthsBelow(size_t size, Values& values) {
  std::vector<size_t> lengths;
  for (size_t n = 0; n < size && n < 1024; ++n) lengths.push_back(n);
  if (size > 1024) lengths.push_back(size - 1);
  for (int i = 0; size > 1024 && i < 300; ++i) lengths.push_back(values.Number(1024, size - 1));
  return lengths;
}

TYPED_TEST(PacketsTest, ComesBackTheSame) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Values values(seed);
    const TypeParam packet = Codec<TypeParam>::Any(values);
    const Decoded<TypeParam> decoded = Codec<TypeParam>::Decode(Encoded(packet));
    ASSERT_TRUE(std::holds_alternative<TypeParam>(decoded)) << "seed " << seed;
    EXPECT_TRUE(std::get<TypeParam>(decoded) == packet) << "seed " << seed;
  }
}

TYPED_TEST(PacketsTest, IsRefusedAtEveryLengthThatIsTooShort) {
  for (uint64_t seed = 1; seed <= kSeeds / 4; ++seed) {
    Values values(seed);
    const Bytes bytes = Encoded(Codec<TypeParam>::Any(values));
    for (const size_t length : LengthsBelow(bytes.size(), values)) {
      const Bytes prefix(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length));
      ASSERT_TRUE(testing::IsMalformed(Codec<TypeParam>::Decode(prefix)))
          << "seed " << seed << ", " << length << " of " << bytes.size() << " bytes";
    }
  }
}

TYPED_TEST(PacketsTest, MayBeFollowedByFieldsOfALaterVersion) {
  Values values(1);
  const TypeParam packet = Codec<TypeParam>::Any(values);
  Bytes bytes = Encoded(packet);
  bytes.insert(bytes.end(), {0xff, 0x01, 0x80});
  const Decoded<TypeParam> decoded = Codec<TypeParam>::Decode(bytes);
  ASSERT_TRUE(std::holds_alternative<TypeParam>(decoded));
  EXPECT_TRUE(std::get<TypeParam>(decoded) == packet);
}

TYPED_TEST(PacketsTest, IsNotWrittenBeyondTheRoomForIt) {
  Values values(2);
  const TypeParam packet = Codec<TypeParam>::Any(values);
  const size_t size = Encoded(packet).size();
  for (const size_t length : LengthsBelow(size, values)) {
    Bytes room(length);
    ByteWriter out(room);
    Encode(packet, out);
    ASSERT_FALSE(out.ok()) << length << " of " << size << " bytes";
  }
}

TYPED_TEST(PacketsTest, IsSafeToDecodeWithAnyByteChanged) {
  Values values(3);
  const Bytes bytes = Encoded(Codec<TypeParam>::Any(values));
  for (size_t at = 0; at < std::min<size_t>(bytes.size(), 400); ++at) {
    for (const uint8_t value : {0x00, 0x01, 0x40, 0x7f, 0xff}) {
      const auto decoded = Codec<TypeParam>::Decode(testing::With(bytes, at, value));
      if (const TypeParam* packet = std::get_if<TypeParam>(&decoded)) {
        const auto again = Codec<TypeParam>::Decode(Encoded(*packet));
        ASSERT_TRUE(std::get<TypeParam>(again) == *packet);
      }
    }
  }
}

template <class T>
void ExpectSizeMax(const T& value) {
  EXPECT_EQ(EncodedSizeMax(value), Encoded(value).size());
}

TEST(EncodedSizeTest, IsExact) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Values values(seed);
    ExpectSizeMax(values.AnyView());
    ExpectSizeMax(values.AnyLogRecord(/*view_allowed=*/true));
    ExpectSizeMax(values.AnyViewProposal());
    ExpectSizeMax(values.AnyReport());
    ExpectSizeMax(values.AnyCommit());
  }
}

}  // namespace
}  // namespace strata::multicast

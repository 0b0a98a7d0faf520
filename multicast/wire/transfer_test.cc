#include "multicast/wire/transfer.h"

#include <gtest/gtest.h>

#include "common/hex.h"
#include "multicast/wire/test_values.h"

namespace strata::multicast {
namespace {

using testing::Encoded;
using testing::IsMalformed;
using testing::Values;

template <class T, class Decode>
void ExpectRefusedBelow(size_t bytes_min, const T& packet, Decode decode) {
  const Bytes bytes = Encoded(packet);
  for (size_t length = 0; length <= bytes.size(); ++length) {
    const Bytes prefix(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_EQ(IsMalformed(decode(prefix)), length < bytes_min) << length;
  }
}

TEST(ProbeTest, ComesBackTheSameWithItsPadding) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Values values(seed);
    const Probe probe = values.AnyProbe();
    EXPECT_EQ(std::get<Probe>(DecodeProbe(Encoded(probe))), probe);
    const ProbeReply reply = values.AnyProbeReply();
    EXPECT_TRUE(std::get<ProbeReply>(DecodeProbeReply(Encoded(reply))) == reply);
  }
}

TEST(ProbeTest, IsRefusedWithoutItsFields) {
  Probe probe;
  probe.padding = 20;
  ExpectRefusedBelow(12, probe, DecodeProbe);
  ProbeReply reply = Values(1).AnyProbeReply();
  reply.padding = 20;
  ExpectRefusedBelow(72, reply, DecodeProbeReply);
}

TEST(ProbeTest, PadsWithZeros) {
  Bytes buffer(20, 0xff);
  ByteWriter out(buffer);
  Encode(Probe{.nonce = 1, .padding = 8}, out);
  EXPECT_EQ(ToHex(buffer),
            "0000000000000001"
            "00000000"
            "0000000000000000");
}

SnapshotChunk Chunk(const Bytes& bytes) {
  return {.nonce = 1, .commit = 2, .total = 30, .offset = 30 - bytes.size(), .bytes = bytes};
}

TEST(SnapshotChunkTest, ComesBackTheSame) {
  const Bytes bytes = {1, 2, 3};
  const SnapshotChunk sent = Chunk(bytes);
  const Bytes body = Encoded(sent);
  const auto got = std::get<SnapshotChunk>(DecodeSnapshotChunk(body));
  EXPECT_EQ(got.nonce, sent.nonce);
  EXPECT_EQ(got.commit, sent.commit);
  EXPECT_EQ(got.total, sent.total);
  EXPECT_EQ(got.offset, sent.offset);
  EXPECT_FALSE(got.not_ready);
  EXPECT_FALSE(got.refused);
  EXPECT_EQ(ToHex(got.bytes), "010203");
  EXPECT_EQ(got.bytes.data(), body.data() + 36);  // Not copied.
  ExpectRefusedBelow(36, sent, DecodeSnapshotChunk);
}

TEST(SnapshotChunkTest, LiesInsideItsSnapshot) {
  const Bytes bytes = {1, 2, 3};
  SnapshotChunk chunk = Chunk(bytes);
  chunk.offset += 1;
  EXPECT_TRUE(IsMalformed(DecodeSnapshotChunk(Encoded(chunk))));
  chunk.offset = UINT64_MAX;
  EXPECT_TRUE(IsMalformed(DecodeSnapshotChunk(Encoded(chunk))));
  chunk = Chunk(bytes);
  chunk.total = kMaxSnapshotBytes;
  EXPECT_FALSE(IsMalformed(DecodeSnapshotChunk(Encoded(chunk))));
  chunk.total = kMaxSnapshotBytes + 1;
  EXPECT_TRUE(IsMalformed(DecodeSnapshotChunk(Encoded(chunk))));
}

TEST(SnapshotChunkTest, NeedsNoSnapshotWhereThereIsNone) {
  SnapshotChunk chunk;
  chunk.offset = 5000;
  chunk.not_ready = true;
  EXPECT_TRUE(std::get<SnapshotChunk>(DecodeSnapshotChunk(Encoded(chunk))).not_ready);
  chunk.not_ready = false;
  chunk.refused = true;
  EXPECT_TRUE(std::get<SnapshotChunk>(DecodeSnapshotChunk(Encoded(chunk))).refused);
}

Fragment Piece(const Bytes& bytes) {
  return {.inner_type = 10, .index = 1, .count = 3, .body_id = 9, .bytes = bytes};
}

TEST(FragmentTest, ComesBackTheSame) {
  const Bytes bytes = {1, 2, 3};
  const Fragment sent = Piece(bytes);
  const Bytes body = Encoded(sent);
  const auto got = std::get<Fragment>(DecodeFragment(body));
  EXPECT_EQ(got.inner_type, sent.inner_type);
  EXPECT_EQ(got.index, sent.index);
  EXPECT_EQ(got.count, sent.count);
  EXPECT_EQ(got.body_id, sent.body_id);
  EXPECT_EQ(ToHex(got.bytes), "010203");
  ExpectRefusedBelow(13, sent, DecodeFragment);
}

TEST(FragmentTest, IsOneOfAtMost512) {
  const Bytes bytes = {1};
  Fragment fragment = Piece(bytes);
  const auto is_malformed = [&] { return IsMalformed(DecodeFragment(Encoded(fragment))); };
  fragment.index = 3;
  EXPECT_TRUE(is_malformed());
  fragment.index = 2;
  EXPECT_FALSE(is_malformed());
  fragment.index = fragment.count = 0;
  EXPECT_TRUE(is_malformed());
  fragment.count = kMaxFragments;
  EXPECT_FALSE(is_malformed());
  fragment.count = kMaxFragments + 1;
  EXPECT_TRUE(is_malformed());
}

TEST(FragmentTest, IsOfAControlBody) {
  const Bytes bytes = {1};
  Fragment fragment = Piece(bytes);
  for (const int type : {0, 1, 20, 128, 255}) {
    fragment.inner_type = static_cast<uint8_t>(type);
    EXPECT_TRUE(IsMalformed(DecodeFragment(Encoded(fragment)))) << type;
  }
}

}  // namespace
}  // namespace strata::multicast

#include "multicast/wire/seal.h"

#include <gtest/gtest.h>

#include "common/hex.h"
#include "multicast/wire/test_values.h"

namespace strata::multicast {
namespace {

constexpr GroupId kGroup(0x1122334455667788);
constexpr MemberId kSelf(1);
constexpr MemberId kPeer(2);
const Bytes kKey(32, 0xa5);
const Bytes kOtherKey(32, 0x5a);
const Bytes kBody = {1, 2, 3, 4, 5, 6, 7};

Incarnation IncarnationOf(uint32_t number) {
  Incarnation incarnation;
  internal::Store<uint32_t>(incarnation.bytes.data(), number);
  return incarnation;
}

// One sender and one receiver, each with its own ring, as two processes have them.
class SealTest : public ::testing::Test {
 protected:
  void Close() {  // The group from open to sealed.
    ASSERT_TRUE(sender_ring_.Add(1, kKey).ok());
    ASSERT_TRUE(receiver_ring_.Add(1, kKey).ok());
  }

  Bytes Written(MemberId sender = kPeer, uint32_t incarnation = 1) const {
    Header header;
    header.type = static_cast<uint8_t>(PacketType::kAck);
    header.sender = sender;
    header.group = kGroup;
    header.incarnation = IncarnationOf(incarnation);
    Bytes datagram(kHeaderBytes + kBody.size() + sealer_.overhead());
    Encode(header, std::span(datagram).first<kHeaderBytes>());
    std::copy(kBody.begin(), kBody.end(), datagram.begin() + kHeaderBytes);
    return datagram;
  }
  Bytes Sealed(MemberId sender = kPeer, uint32_t incarnation = 1) {
    Bytes datagram = Written(sender, incarnation);
    sealer_.Seal(datagram);
    return datagram;
  }

  // What the opener says, by value: it decrypts in place.
  std::optional<OpenError> ErrorOf(Bytes datagram) {
    const auto opened = opener_.Open(datagram);
    if (const OpenError* error = std::get_if<OpenError>(&opened)) return *error;
    EXPECT_EQ(ToHex(std::get<Opener::Opened>(opened).body), ToHex(kBody));
    return std::nullopt;
  }

  KeyRing sender_ring_;
  KeyRing receiver_ring_;
  Sealer sealer_{kGroup, sender_ring_};
  Opener opener_{kGroup, kSelf, receiver_ring_};
};

TEST_F(SealTest, NumbersDatagramsOfAnOpenGroupAndLeavesTheRestAlone) {
  EXPECT_EQ(sealer_.overhead(), 0u);
  const Bytes first = Sealed();
  const Bytes second = Sealed();
  EXPECT_EQ(std::get<Header>(DecodeHeader(first)).counter, 1u);
  EXPECT_EQ(std::get<Header>(DecodeHeader(second)).counter, 2u);
  EXPECT_FALSE(std::get<Header>(DecodeHeader(first)).sealed);
  EXPECT_EQ(ErrorOf(first), std::nullopt);
}

TEST_F(SealTest, HidesTheBodyAndGivesItBack) {
  Close();
  EXPECT_EQ(sealer_.overhead(), kTagBytes);
  Bytes datagram = Sealed();
  const Header sent = std::get<Header>(DecodeHeader(datagram));
  EXPECT_TRUE(sent.sealed);
  EXPECT_EQ(sent.key_id, 1);
  EXPECT_EQ(ToHex(datagram).find(ToHex(kBody)), std::string::npos);
  const auto opened = std::get<Opener::Opened>(opener_.Open(datagram));
  EXPECT_EQ(opened.header, sent);
  EXPECT_EQ(ToHex(opened.body), ToHex(kBody));
  EXPECT_EQ(opened.body.data(), datagram.data() + kHeaderBytes);
}

TEST_F(SealTest, SealsTheSameBytesDifferentlyEachTime) {
  Close();
  EXPECT_NE(ToHex(ByteSpan(Sealed()).subspan(kHeaderBytes)),
            ToHex(ByteSpan(Sealed()).subspan(kHeaderBytes)));
}

TEST_F(SealTest, NeverUsesACounterAgainWhateverTheIncarnation) {
  Close();
  EXPECT_EQ(std::get<Header>(DecodeHeader(Sealed(kPeer, 1))).counter, 1u);
  EXPECT_EQ(std::get<Header>(DecodeHeader(Sealed(kPeer, 2))).counter, 2u);
  EXPECT_EQ(std::get<Header>(DecodeHeader(Sealed(kPeer, 1))).counter, 3u);
}

TEST_F(SealTest, SealsAnEmptyBody) {
  Close();
  Bytes datagram = Written();
  datagram.resize(kHeaderBytes + kTagBytes);
  sealer_.Seal(datagram);
  EXPECT_TRUE(std::get<Opener::Opened>(opener_.Open(datagram)).body.empty());
}

TEST_F(SealTest, RefusesWhatIsNoPacketOfThisProtocol) {
  EXPECT_EQ(ErrorOf({}), OpenError::kTooShort);
  EXPECT_EQ(ErrorOf(Bytes(55, 0x53)), OpenError::kTooShort);
  EXPECT_EQ(ErrorOf(testing::With(Sealed(), 0, 0x52)), OpenError::kBadMagic);
  EXPECT_EQ(ErrorOf(testing::With(Sealed(), 1, 2)), OpenError::kBadVersion);
}

TEST_F(SealTest, RefusesAForeignGroup) {
  EXPECT_EQ(ErrorOf(testing::With(Sealed(), 15, 0)), OpenError::kForeignGroup);
}

TEST_F(SealTest, RefusesItsOwnPacketsBeforeAnyCryptography) {
  Close();
  EXPECT_EQ(ErrorOf(Sealed(kSelf, 1)), OpenError::kOwnPacket);
  EXPECT_EQ(ErrorOf(Sealed(kSelf, 2)), OpenError::kOwnPacket);
  Bytes forged = Sealed(kSelf, 1);
  forged.back() ^= 1;
  EXPECT_EQ(ErrorOf(forged), OpenError::kOwnPacket);
}

TEST_F(SealTest, RefusesOpenPacketsInASealedGroupAndTheOtherWayRound) {
  const Bytes open = Sealed();
  ASSERT_TRUE(receiver_ring_.Add(1, kKey).ok());
  EXPECT_EQ(ErrorOf(open), OpenError::kWrongSecurity);
  ASSERT_TRUE(sender_ring_.Add(1, kKey).ok());
  const Bytes sealed = Sealed();
  KeyRing none;
  Opener of_open_group(kGroup, kSelf, none);
  Bytes copy = sealed;
  EXPECT_EQ(std::get<OpenError>(of_open_group.Open(copy)), OpenError::kWrongSecurity);
  EXPECT_EQ(ErrorOf(sealed), std::nullopt);
}

TEST_F(SealTest, RefusesASealedPacketWithoutRoomForATag) {
  Close();
  Bytes datagram = Sealed();
  datagram.resize(kHeaderBytes + kTagBytes - 1);
  EXPECT_EQ(ErrorOf(datagram), OpenError::kTooShort);
}

TEST_F(SealTest, RefusesAKeyItWasNotGiven) {
  Close();
  ASSERT_TRUE(sender_ring_.Add(9, kOtherKey).ok());
  ASSERT_TRUE(sender_ring_.Use(9).ok());
  EXPECT_EQ(ErrorOf(Sealed()), OpenError::kUnknownKey);
}

TEST_F(SealTest, RefusesForgeriesWhereverTheyAre) {
  Close();
  const Bytes genuine = Sealed();
  for (size_t at = 16; at < genuine.size(); ++at) {
    Bytes forged = genuine;
    forged[at] ^= 0x80;
    EXPECT_EQ(ErrorOf(forged), OpenError::kForged) << at;
  }
  EXPECT_EQ(ErrorOf(genuine), std::nullopt);  // The forgeries left no trace.
}

TEST_F(SealTest, RefusesAnotherKeyOfTheSameId) {
  ASSERT_TRUE(sender_ring_.Add(1, kKey).ok());
  ASSERT_TRUE(receiver_ring_.Add(1, kOtherKey).ok());
  EXPECT_EQ(ErrorOf(Sealed()), OpenError::kForged);
}

TEST_F(SealTest, RefusesReplaysInBothKindsOfGroup) {
  const Bytes open = Sealed();
  EXPECT_EQ(ErrorOf(open), std::nullopt);
  EXPECT_EQ(ErrorOf(open), OpenError::kReplayed);
  Close();
  const Bytes sealed = Sealed();
  EXPECT_EQ(ErrorOf(sealed), std::nullopt);
  EXPECT_EQ(ErrorOf(sealed), OpenError::kReplayed);
}

TEST_F(SealTest, TakesReorderedPacketsWithinTheWindowOnly) {
  Close();
  std::vector<Bytes> sent;
  for (size_t i = 0; i <= Opener::kReplayWindow; ++i) sent.push_back(Sealed());
  EXPECT_EQ(ErrorOf(sent.back()), std::nullopt);
  EXPECT_EQ(ErrorOf(sent[0]), OpenError::kReplayed);  // Just below the window.
  EXPECT_EQ(ErrorOf(sent[1]), std::nullopt);
  EXPECT_EQ(ErrorOf(sent[1]), OpenError::kReplayed);
  EXPECT_EQ(ErrorOf(sent[100]), std::nullopt);
}

TEST_F(SealTest, RefusesCounterZero) {
  EXPECT_EQ(ErrorOf(testing::WithNumber(Sealed(), kCounterOffset, 8, 0)), OpenError::kReplayed);
}

TEST_F(SealTest, LetsAForgeryMoveNoWindow) {
  Close();
  const Bytes genuine = Sealed();
  EXPECT_EQ(ErrorOf(Sealed()), std::nullopt);
  EXPECT_EQ(ErrorOf(testing::WithNumber(genuine, kCounterOffset, 8, 1 << 20)), OpenError::kForged);
  EXPECT_EQ(ErrorOf(genuine), std::nullopt);
}

TEST_F(SealTest, GivesANewIncarnationAWindowOfItsOwn) {
  Close();
  KeyRing restarted_ring;
  ASSERT_TRUE(restarted_ring.Add(1, kKey).ok());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ErrorOf(Sealed(kPeer, 1)), std::nullopt);
  Sealer restarted(kGroup, restarted_ring);
  Bytes datagram = Written(kPeer, 2);
  restarted.Seal(datagram);
  EXPECT_EQ(std::get<Header>(DecodeHeader(datagram)).counter, 1u);
  EXPECT_EQ(ErrorOf(datagram), std::nullopt);
  EXPECT_EQ(ErrorOf(datagram), OpenError::kReplayed);
  EXPECT_EQ(ErrorOf(Sealed(kPeer, 1)), std::nullopt);  // Both live side by side.
}

TEST_F(SealTest, RotatesKeysWithoutLosingAPacket) {
  Close();
  const Bytes before = Sealed();
  ASSERT_TRUE(receiver_ring_.Add(2, kOtherKey).ok());
  ASSERT_TRUE(sender_ring_.Add(2, kOtherKey).ok());
  EXPECT_EQ(ErrorOf(Sealed()), std::nullopt);
  ASSERT_TRUE(sender_ring_.Use(2).ok());
  const Bytes after = Sealed();
  EXPECT_EQ(std::get<Header>(DecodeHeader(after)).key_id, 2);
  EXPECT_EQ(ErrorOf(after), std::nullopt);
  EXPECT_EQ(ErrorOf(before), std::nullopt);  // Late, with the old key.
  EXPECT_EQ(ErrorOf(before), OpenError::kReplayed);
  const Bytes late = [&] {
    EXPECT_TRUE(sender_ring_.Use(1).ok());
    return Sealed();
  }();
  ASSERT_TRUE(receiver_ring_.Use(2).ok());
  ASSERT_TRUE(receiver_ring_.Forget(1).ok());
  EXPECT_EQ(ErrorOf(late), OpenError::kUnknownKey);
  EXPECT_EQ(ErrorOf(after), OpenError::kReplayed);  // The window outlives the key.
}

TEST_F(SealTest, TakesANewKeyUnderAnOldId) {
  Close();
  EXPECT_EQ(ErrorOf(Sealed()), std::nullopt);
  for (KeyRing* ring : {&sender_ring_, &receiver_ring_}) {
    ASSERT_TRUE(ring->Add(2, kOtherKey).ok());
    ASSERT_TRUE(ring->Use(2).ok());
    ASSERT_TRUE(ring->Forget(1).ok());
    ASSERT_TRUE(ring->Add(1, Bytes(16, 7)).ok());
    ASSERT_TRUE(ring->Use(1).ok());
  }
  EXPECT_EQ(ErrorOf(Sealed()), std::nullopt);
}

TEST_F(SealTest, ForgetsTheSenderHeardLeastRecently) {
  Close();
  const Bytes old = Sealed(kPeer, 1);
  const Bytes kept = Sealed(kPeer, 2);
  EXPECT_EQ(ErrorOf(old), std::nullopt);
  EXPECT_EQ(ErrorOf(kept), std::nullopt);
  for (uint32_t i = 3; i <= Opener::kMaxSenders; ++i) {
    EXPECT_EQ(ErrorOf(Sealed(kPeer, i)), std::nullopt);
  }
  EXPECT_EQ(ErrorOf(old), OpenError::kReplayed);  // All have room.
  EXPECT_EQ(ErrorOf(Sealed(kPeer, 2)), std::nullopt);
  EXPECT_EQ(ErrorOf(Sealed(kPeer, 1000)), std::nullopt);
  EXPECT_EQ(ErrorOf(kept), OpenError::kReplayed);
  EXPECT_EQ(ErrorOf(old), std::nullopt);  // Forgotten: a replay did not count as heard.
}

TEST_F(SealTest, KeepsNoStateForForgers) {
  Close();
  const Bytes genuine = Sealed();
  EXPECT_EQ(ErrorOf(genuine), std::nullopt);
  const Bytes forged = testing::With(Sealed(), kHeaderBytes, 0);
  for (uint32_t i = 0; i < 2 * Opener::kMaxSenders; ++i) {
    EXPECT_EQ(ErrorOf(testing::WithNumber(forged, kIncarnationOffset, 4, i)), OpenError::kForged);
  }
  EXPECT_EQ(ErrorOf(genuine), OpenError::kReplayed);
}

}  // namespace
}  // namespace strata::multicast

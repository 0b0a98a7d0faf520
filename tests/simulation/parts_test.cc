#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/random.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/event_queue.h"
#include "tests/simulation/fragments.h"
#include "tests/simulation/network.h"
#include "tests/simulation/replicated_state.h"
#include "tests/simulation/trace.h"

namespace strata::simulation {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

PacketPtr MakePacket(multicast::PacketType type, const Bytes& body) {
  multicast::Header header;
  header.type = static_cast<uint8_t>(type);
  header.sender = multicast::MemberId(1);
  Bytes datagram(multicast::kHeaderBytes);
  multicast::Encode(header, std::span<uint8_t, multicast::kHeaderBytes>(datagram.data(),
                                                                        multicast::kHeaderBytes));
  datagram.insert(datagram.end(), body.begin(), body.end());
  return Packet::Parse(std::move(datagram));
}

TEST(EventQueueTest, RunsByTimeAndThenByOrderOfScheduling) {
  EventQueue queue;
  std::string story;
  queue.After(milliseconds(2), [&] { story += "c"; });
  queue.After(milliseconds(1), [&] { story += "a"; });
  queue.After(milliseconds(1), [&] { story += "b"; });
  while (queue.RunOne(Timestamp::FromNanos(1'500'000))) {
  }
  EXPECT_EQ(story, "ab");
  EXPECT_EQ(queue.now(), Timestamp::FromNanos(1'500'000));
  while (queue.RunOne(Timestamp::FromNanos(9'000'000))) {
  }
  EXPECT_EQ(story, "abc");
}

TEST(EventQueueTest, ThePastIsNow) {
  EventQueue queue;
  queue.RunOne(Timestamp::FromNanos(100));
  bool ran = false;
  queue.At(Timestamp::FromNanos(5), [&] { ran = true; });
  EXPECT_TRUE(queue.RunOne(Timestamp::FromNanos(100)));
  EXPECT_TRUE(ran);
  EXPECT_EQ(queue.now(), Timestamp::FromNanos(100));
}

class NetworkTest : public testing::Test {
 protected:
  void RunAll() {
    Timestamp end = queue_.now() + milliseconds(1000);
    while (queue_.RunOne(end)) {
    }
  }

  EventQueue queue_;
  SeededRandom random_{7};
  std::vector<size_t> arrived_ = std::vector<size_t>(3);
  std::vector<size_t> lost_ = std::vector<size_t>(3);
  std::vector<const Packet*> order_;
  Network network_{3, queue_, random_,
                   [this](size_t to, Port, const PacketPtr& packet, size_t) {
                     ++arrived_[to];
                     order_.push_back(packet.get());
                   },
                   [this](size_t to, Port, const PacketPtr&) { ++lost_[to]; }};
  PacketPtr packet_ = MakePacket(multicast::PacketType::kHeartbeat, Bytes(100));
};

TEST_F(NetworkTest, MulticastReachesAllOthers) {
  network_.Multicast(0, Port::kData, packet_);
  RunAll();
  EXPECT_EQ(arrived_, (std::vector<size_t>{0, 1, 1}));
}

TEST_F(NetworkTest, AOneWayCutStopsOneDirection) {
  network_.link(0, 1).blocked = true;
  network_.Multicast(0, Port::kData, packet_);
  network_.Multicast(1, Port::kData, packet_);
  RunAll();
  EXPECT_EQ(arrived_, (std::vector<size_t>{1, 0, 2}));
  EXPECT_EQ(lost_, (std::vector<size_t>{0, 1, 0}));
}

TEST_F(NetworkTest, WithoutMulticastUnicastStillPasses) {
  network_.link(0, 1).no_multicast = true;
  network_.Multicast(0, Port::kAcks, packet_);
  network_.Unicast(0, 1, packet_);
  RunAll();
  EXPECT_EQ(arrived_, (std::vector<size_t>{0, 1, 1}));
}

TEST_F(NetworkTest, LosesAndDuplicatesInProportion) {
  network_.link(0, 1).loss = 0.25;
  network_.link(0, 2).duplicate = 0.5;
  for (int i = 0; i < 1000; ++i) network_.Multicast(0, Port::kData, packet_);
  RunAll();
  EXPECT_NEAR(static_cast<double>(arrived_[1]), 750, 60);
  EXPECT_EQ(arrived_[1] + lost_[1], 1000u);
  EXPECT_NEAR(static_cast<double>(arrived_[2]), 1500, 60);
}

TEST_F(NetworkTest, JitterReordersAndNothingElseDoes) {
  std::vector<PacketPtr> sent;
  for (int i = 0; i < 100; ++i) {
    sent.push_back(MakePacket(multicast::PacketType::kHeartbeat, Bytes(10)));
    network_.Unicast(0, 1, sent.back());
  }
  RunAll();
  for (size_t i = 0; i < sent.size(); ++i) EXPECT_EQ(order_[i], sent[i].get());
  order_.clear();
  network_.link(0, 1).jitter = microseconds(500);
  for (const PacketPtr& packet : sent) network_.Unicast(0, 1, packet);
  RunAll();
  size_t moved = 0;
  for (size_t i = 0; i < sent.size(); ++i) moved += order_[i] != sent[i].get() ? 1 : 0;
  EXPECT_GT(moved, 50u);
}

TEST(DiskTest, KeepsTheLastConfirmedWriteOrALaterOneOverACrash) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EventQueue queue;
    SeededRandom random(seed);
    Disk disk(queue, random, milliseconds(1));
    int confirmed = 0;
    disk.Write({1}, [&] { ++confirmed; });
    while (queue.RunOne(Timestamp::FromNanos(2'000'000))) {
    }
    EXPECT_EQ(confirmed, 1);
    disk.Write({2}, [&] { ++confirmed; });
    disk.Write({3}, [&] { ++confirmed; });
    disk.Crash();
    while (queue.RunOne(Timestamp::FromNanos(9'000'000))) {
    }
    EXPECT_EQ(confirmed, 1);
    ASSERT_EQ(disk.contents().size(), 1u);
    EXPECT_GE(disk.contents()[0], 1);
    EXPECT_LE(disk.contents()[0], 3);
  }
}

TEST(ReplicatedStateTest, ComesBackFromASnapshotAndTellsOrdersApart) {
  Entry a{.number = 1, .origin = multicast::MemberId(1), .stream = 0, .id = 5, .hash = 9};
  Entry b{.number = 2, .origin = multicast::MemberId(2), .stream = 3, .id = 6, .hash = 8};
  ReplicatedState state;
  state.Append(a);
  state.Append(b);
  auto copy = ReplicatedState::Parse(state.Serialize(1000));
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(copy->chain(), state.chain());
  EXPECT_EQ(copy->entries(), state.entries());
  EXPECT_TRUE(copy->Contains(5));
  ReplicatedState other;
  other.Append(b);
  other.Append(a);
  EXPECT_NE(other.chain(), state.chain());
}

TEST(FragmentJoinerTest, GivesTheWholePacketWithTheLastFragment) {
  multicast::Ballot ballot{{7, multicast::MemberId(3)}};
  Bytes body(12);
  ByteWriter out(body);
  multicast::Encode(ballot, out);
  std::vector<PacketPtr> fragments;
  for (uint16_t i = 0; i < 3; ++i) {
    Bytes bytes(100);
    ByteWriter writer(bytes);
    multicast::Fragment fragment{
        .inner_type = static_cast<uint8_t>(multicast::PacketType::kInstall),
        .index = i,
        .count = 3,
        .body_id = 9,
        .bytes = ByteSpan(body).subspan(i * 4, 4)};
    multicast::Encode(fragment, writer);
    bytes.resize(writer.size());
    fragments.push_back(MakePacket(multicast::PacketType::kFragment, bytes));
  }
  FragmentJoiner joiner;
  EXPECT_EQ(joiner.Add(*fragments[2]), nullptr);
  EXPECT_EQ(joiner.Add(*fragments[2]), nullptr);
  EXPECT_EQ(joiner.Add(*fragments[0]), nullptr);
  PacketPtr whole = joiner.Add(*fragments[1]);
  ASSERT_NE(whole, nullptr);
  ASSERT_NE(whole->As<multicast::Ballot>(), nullptr);
  EXPECT_EQ(*whole->As<multicast::Ballot>(), ballot);
}

TEST(TraceTest, EqualStoriesHaveEqualHashes) {
  Trace a;
  Trace b;
  Trace c;
  for (Trace* trace : {&a, &b, &c}) trace->KeepHash();
  a.Line(Timestamp::FromNanos(1), 2, "x %d", 3);
  b.Line(Timestamp::FromNanos(1), 2, "x %d", 3);
  c.Line(Timestamp::FromNanos(1), 2, "x %d", 4);
  EXPECT_EQ(a.hash(), b.hash());
  EXPECT_NE(a.hash(), c.hash());
}

TEST(MessageRegistryTest, APayloadTellsItsMessage) {
  for (size_t bytes : {8u, 9u, 100u, 4096u}) {
    Bytes payload = MessageRegistry::Payload(77, bytes);
    EXPECT_EQ(payload.size(), bytes);
    EXPECT_EQ(MessageRegistry::IdOf(payload), 77u);
  }
  EXPECT_EQ(MessageRegistry::IdOf(MessageRegistry::Payload(77, 0)), 0u);
}

}  // namespace
}  // namespace strata::simulation

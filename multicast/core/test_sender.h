#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "multicast/core/sender.h"
#include "multicast/core/test_group.h"

// What the tests of Sender share.
namespace strata::multicast::testing {

constexpr Timestamp kPackDelay = kStart + std::chrono::microseconds(200);

struct SentRecord {
  StreamId stream;
  Seq seq;
  uint8_t flags;
  std::string payload;
  friend bool operator==(const SentRecord&, const SentRecord&) = default;
};
struct Data {
  uint8_t flags;
  Slot origin;
  std::vector<SentRecord> records;
};

// Member 3 of three.
class SenderTest : public ::testing::Test {
 protected:
  explicit SenderTest(CoreSettings settings = {}) : group_(2, 3, std::move(settings)) {
    sender_.OnViewInstalled(true, kStart);
  }
  SendId Send(std::string_view text, const SendOptions& options = {}, StreamId stream = 0,
              Timestamp now = kStart) {
    const auto sent = sender_.Send(stream, AsBytes(text), options, now);
    EXPECT_TRUE(std::holds_alternative<SendId>(sent));
    return std::holds_alternative<SendId>(sent) ? std::get<SendId>(sent) : 0;
  }
  void ExpectRefused(SendRefusal why, StreamId stream, std::string_view text,
                     const SendOptions& options = {}) {
    const auto sent = sender_.Send(stream, AsBytes(text), options, kStart);
    ASSERT_TRUE(std::holds_alternative<SendRefusal>(sent));
    EXPECT_EQ(std::get<SendRefusal>(sent), why);
  }
  std::vector<Data> DataSent() {
    std::vector<Data> all;
    for (const SentPacket& packet : group_.Sent()) {
      if (packet.type != PacketType::kData) continue;
      DataReader reader(packet.body);
      EXPECT_FALSE(reader.Check());
      Data data{reader.flags(), reader.origin(), {}};
      while (const auto record = reader.Next()) {
        data.records.push_back(
            {record->stream, record->seq, record->flags, std::string(AsText(record->payload))});
      }
      all.push_back(data);
    }
    return all;
  }
  std::vector<Data> End(Timestamp now = kStart) {
    group_.Clear();
    sender_.EndTurn(now);
    return DataSent();
  }
  // As many turns as there are to make at once.
  void EndAll(Timestamp now = kStart) {
    do {
      End(now);
    } while (sender_.deadline() < kStart);
  }
  // The SM committed, and thereby acknowledged, everything up to `seq`.
  void Commit(Seq seq, uint64_t number = 1, StreamId stream = 0, Timestamp now = kStart) {
    group_.StreamOf(2, stream).records.Deliver(seq, [](Seq, Seq, bool) {});
    sender_.OnCommitted(stream, seq, number, now);
    sender_.OnCovered(stream, seq, now);
  }
  std::vector<SendDoneAction> Done() { return group_.Actions<SendDoneAction>(); }

  TestGroup group_;
  Sender sender_{*group_};
};

}  // namespace strata::multicast::testing

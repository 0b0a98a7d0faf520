#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "common/bytes.h"
#include "multicast/wire/types.h"

namespace strata::simulation {

// A message's number in the whole simulation; 0 for empty messages, which have no room for one.
using MessageId = uint64_t;

enum class Outcome : uint8_t { kCommitted, kAborted, kUnknown, kReceived };

// One accepted Send.
struct SentMessage {
  MessageId id = 0;
  multicast::MemberId origin{};
  multicast::Incarnation incarnation;  // Of the sender.
  multicast::StreamId stream = 0;
  size_t bytes = 0;
  uint64_t hash = 0;
  bool received = false;
  bool prepare = false;
  bool replies = false;
  bool all_of = false;
  bool abort_asked = false;
  bool abort_sent = false;
  std::optional<Outcome> outcome{};
  uint64_t commit_number = 0;
};

uint64_t HashOf(ByteSpan bytes);

// All messages that were ever accepted for sending, and what they must look like.
class MessageRegistry {
 public:
  // A new id and its payload: the id, then bytes that follow from it. 8 bytes at least, or none.
  static Bytes Payload(MessageId id, size_t bytes);
  // The id in a payload; 0 if it is too short.
  static MessageId IdOf(ByteSpan payload);

  MessageId NextId() { return ++last_id_; }
  SentMessage& Add(SentMessage message) { return messages_[message.id] = message; }
  // Null if there is none.
  SentMessage* Find(MessageId id) {
    auto it = messages_.find(id);
    return it == messages_.end() ? nullptr : &it->second;
  }
  const std::map<MessageId, SentMessage>& all() const { return messages_; }

 private:
  MessageId last_id_ = 0;
  std::map<MessageId, SentMessage> messages_;
};

}  // namespace strata::simulation

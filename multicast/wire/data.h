#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>

#include "common/bytes.h"
#include "multicast/wire/header.h"

// DATA (docs/protocols/multicast.md, section 4.1), the hot path: records are written and read one
// by one, without a list in memory.
namespace strata::multicast {

enum RecordFlag : uint8_t {
  kInit = 0x01,
  kNoMore = 0x02,
  kReceived = 0x04,
  kPrepare = 0x08,
  kReplies = 0x10,
  kAllOf = 0x20,
};
enum DataFlag : uint8_t { kAckNow = 0x01, kRepair = 0x02 };

struct Record {
  StreamId stream = 0;
  uint8_t flags = 0;
  Seq seq = 0;
  uint32_t message_bytes = 0;  // Length of the whole message: in the init record; else 0.
  ByteSpan payload;
};

// Whether the length of the whole message is on the wire: the first of several records.
constexpr bool BearsMessageLength(uint8_t record_flags) {
  return (record_flags & (kInit | kNoMore)) == kInit;
}

// Bytes the record takes in a DATA body.
constexpr size_t EncodedSize(const Record& record) {
  const size_t length = BearsMessageLength(record.flags) ? kMessageLengthBytes : 0;
  return kRecordHeaderBytes + length + record.payload.size();
}

// Writes a DATA body: construct, Add records, Finish. Writes what it is given; DataReader::Check
// says what a peer takes.
class DataWriter {
 public:
  // Reserves the four bytes of the prefix.
  explicit DataWriter(ByteWriter& out) : out_(out), start_(out.size()) {
    out_.Reserve(kDataPrefixBytes);
  }

  // False, and nothing written, if it does not fit.
  bool Add(const Record& record) {
    constexpr size_t kMax = std::numeric_limits<uint16_t>::max();
    const size_t size = EncodedSize(record);
    if (size > out_.remaining() || record.payload.size() > kMax || count_ == kMax) return false;
    uint8_t* to = out_.Reserve(size).data();
    to[0] = record.stream;
    to[1] = record.flags;
    internal::Store(to + 2, static_cast<uint16_t>(record.payload.size()));
    internal::Store<uint64_t>(to + 4, record.seq);
    to += kRecordHeaderBytes;
    if (BearsMessageLength(record.flags)) {
      internal::Store<uint32_t>(to, record.message_bytes);
      to += kMessageLengthBytes;
    }
    if (!record.payload.empty()) std::memcpy(to, record.payload.data(), record.payload.size());
    ++count_;
    return true;
  }

  // Writes the prefix.
  void Finish(uint8_t flags, Slot origin) {
    out_.PatchU8(start_, flags);
    out_.PatchU8(start_ + 1, origin);
    out_.PatchU16(start_ + 2, count_);
  }

  uint16_t count() const { return count_; }

 private:
  ByteWriter& out_;
  size_t start_;
  uint16_t count_ = 0;
};

// Reads a DATA body. Check() validates all of it once, so that a bad packet changes nothing;
// Next() then only walks. Payloads point into the body, which must not change meanwhile.
class DataReader {
 public:
  explicit DataReader(ByteSpan body) : body_(body) {}

  // Reads prefix and validates every record. kMalformed: counts, flags, lengths or zero bytes that
  // section 4.1 does not allow. Call once, first.
  std::optional<DecodeError> Check();
  uint8_t flags() const { return flags_; }
  Slot origin() const { return origin_; }
  uint16_t count() const { return count_; }

  // The next record, or nothing after the last (or if Check refused, or was not called).
  std::optional<Record> Next() {
    if (left_ == 0) return std::nullopt;
    --left_;
    Record record;
    record.stream = at_[0];
    record.flags = at_[1];
    const size_t payload_bytes = internal::Load<uint16_t>(at_ + 2);
    record.seq = internal::Load<uint64_t>(at_ + 4);
    at_ += kRecordHeaderBytes;
    // The init record of a message that is alone is the whole message.
    if (BearsMessageLength(record.flags)) {
      record.message_bytes = internal::Load<uint32_t>(at_);
      at_ += kMessageLengthBytes;
    } else if (record.flags & kInit) {
      record.message_bytes = static_cast<uint32_t>(payload_bytes);
    }
    record.payload = {at_, payload_bytes};
    at_ += payload_bytes;
    return record;
  }

 private:
  ByteSpan body_;
  const uint8_t* at_ = nullptr;  // In body_, at a record, while left_ > 0.
  uint8_t flags_ = 0;
  Slot origin_ = 0;
  uint16_t count_ = 0;
  uint16_t left_ = 0;
};

}  // namespace strata::multicast

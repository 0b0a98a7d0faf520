#include "multicast/wire/data.h"

namespace strata::multicast {
namespace {

constexpr uint8_t kDataFlags = kAckNow | kRepair;
constexpr uint8_t kRecordFlags = kInit | kNoMore | kReceived | kPrepare | kReplies | kAllOf;
constexpr uint8_t kCommittedInitOnly = kPrepare | kReplies | kAllOf;

bool FlagsFit(StreamId stream, uint8_t flags) {
  if (stream >= kStreamSlots || (flags & ~kRecordFlags) != 0) return false;
  if (stream == kReplyStream && (flags & kReceived) == 0) return false;
  // The wishes of a message stand in its first record, on a committed stream.
  return (flags & kCommittedInitOnly) == 0 || (flags & (kInit | kReceived)) == kInit;
}

// The bytes of the record at the start of `rest`, or 0 if it is not a record.
size_t CheckedSize(ByteSpan rest) {
  if (rest.size() < kRecordHeaderBytes) return 0;
  const uint8_t* from = rest.data();
  const uint8_t flags = from[1];
  if (!FlagsFit(from[0], flags) || internal::Load<uint64_t>(from + 4) == 0) return 0;
  const size_t payload_bytes = internal::Load<uint16_t>(from + 2);
  if (payload_bytes == 0 && (flags & (kInit | kNoMore)) != (kInit | kNoMore)) return 0;
  size_t size = kRecordHeaderBytes + payload_bytes;
  if (BearsMessageLength(flags)) {
    size += kMessageLengthBytes;
    if (rest.size() < size) return 0;
    const uint32_t message_bytes = internal::Load<uint32_t>(from + kRecordHeaderBytes);
    if (message_bytes <= payload_bytes || message_bytes > kMaxMessageBytes) return 0;
  }
  return rest.size() < size ? 0 : size;
}

}  // namespace

std::optional<DecodeError> DataReader::Check() {
  if (body_.size() < kDataPrefixBytes) return DecodeError::kMalformed;
  flags_ = body_[0];
  origin_ = body_[1];
  count_ = internal::Load<uint16_t>(body_.data() + 2);
  if ((flags_ & ~kDataFlags) != 0 || origin_ >= kMaxMembers || count_ == 0) {
    return DecodeError::kMalformed;
  }
  ByteSpan rest = body_.subspan(kDataPrefixBytes);
  at_ = rest.data();
  for (uint16_t i = 0; i < count_; ++i) {
    const size_t size = CheckedSize(rest);
    if (size == 0) return DecodeError::kMalformed;
    rest = rest.subspan(size);
  }
  if (!rest.empty()) return DecodeError::kMalformed;
  left_ = count_;
  return std::nullopt;
}

}  // namespace strata::multicast

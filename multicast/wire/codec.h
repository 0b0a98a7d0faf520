#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/bytes.h"
#include "multicast/wire/header.h"
#include "multicast/wire/types.h"
#include "multicast/wire/views.h"

// What the codecs of this room share: the common pieces of section 4. Private to the room. A piece
// that is out of range fails the reader or the writer.
namespace strata::multicast::internal {

inline constexpr size_t kEpochBytes = 12;
inline constexpr size_t kPositionBytes = 12;
inline constexpr size_t kRangeBytes = 20;
inline constexpr size_t kLimitBytes = 8;
inline constexpr size_t kMemberBytes = 52;
inline constexpr size_t kLogRecordBytesMin = 4;
inline constexpr size_t kViewBytesMin = 28;

void Put(const Epoch& epoch, ByteWriter& out);
void Put(const Position& position, ByteWriter& out);
void Put(const Range& range, ByteWriter& out);
void Put(const Limit& limit, ByteWriter& out);
void Put(const LogRecord& record, ByteWriter& out);
void Put(const MemberInfo& member, ByteWriter& out);
void PutZeros(size_t n, ByteWriter& out);

// A count that takes the bytes of `T`; a larger one fails the writer.
template <class T>
void PutCount(size_t count, ByteWriter& out, size_t max = std::numeric_limits<T>::max()) {
  if (count > max) return out.Fail();
  if constexpr (sizeof(T) == 1) {
    out.U8(static_cast<T>(count));
  } else {
    out.U16(static_cast<T>(count));
  }
}

template <class T>
void PutAll(const std::vector<T>& items, ByteWriter& out) {
  for (const T& item : items) Put(item, out);
}

Epoch TakeEpoch(ByteReader& in);
Position TakePosition(ByteReader& in);
Range TakeRange(ByteReader& in);
Limit TakeLimit(ByteReader& in);
// A record of kind kView stands only in the packets that build a view (VIEW, REPORT).
LogRecord TakeLogRecord(ByteReader& in, bool view_allowed);
LogRecord TakeAnyRecord(ByteReader& in);
ViewProposal TakeProposal(ByteReader& in);
MemberInfo TakeMember(ByteReader& in);

// `count` items, each of at least `bytes_min`: fails, before anything is allocated, if what is left
// cannot hold them.
template <class Take>
auto TakeList(ByteReader& in, size_t count, size_t bytes_min, Take take) {
  std::vector<std::invoke_result_t<Take, ByteReader&>> items;
  if (in.remaining() / bytes_min < count) {
    in.Fail();
    return items;
  }
  items.reserve(count);
  for (size_t i = 0; i < count && in.ok(); ++i) items.push_back(take(in));
  return items;
}

size_t SizeOf(const LogRecord& record);
size_t SizeOf(const std::vector<LogRecord>& records);

// What a decoder returns once everything is read.
template <class T>
Decoded<T> Result(T value, const ByteReader& in) {
  if (!in.ok()) return DecodeError::kMalformed;
  return value;
}

}  // namespace strata::multicast::internal

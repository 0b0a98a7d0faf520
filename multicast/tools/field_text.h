#pragma once

#include <string>
#include <string_view>

#include "multicast/wire/packets.h"

// Texts of the common pieces of packets, for group_dump: short, and the same for the same value.
namespace strata::multicast {

std::string Describe(const Position& position);  // "1/2:8": slot, stream, seq
std::string Describe(const Limit& limit);        // "1:16396"
std::string Describe(const Range& range);        // "1/2:9-10,refused"
std::string Describe(const LogRecord& record);   // "advance[0/0:4;1/0:11]"
std::string Describe(const StreamTail& tail);    // "0:9-12": stream, first kept, last sent
std::string Describe(const ResendRequest& request);
// "7,manager,full,voter,priority=2,192.0.2.7:4807,mtu=1500,version=1"
std::string Describe(const MemberInfo& member);
std::string Describe(const View& view);

// Items between brackets, one blank between them.
template <class Items>
std::string DescribeAll(const Items& items) {
  std::string text = "[";
  for (const auto& item : items) {
    if (text.size() > 1) text += ' ';
    text += Describe(item);
  }
  return text + "]";
}

// The first `bytes_max` bytes: quoted if all of them can be printed, else in hex; "..." if there
// are more.
std::string DescribePayload(ByteSpan payload, size_t bytes_max);

// "sender", "refused", ..., the number for the application's own.
std::string AbortReasonText(uint16_t reason);
std::string JoinRefusalText(uint16_t reason);

}  // namespace strata::multicast

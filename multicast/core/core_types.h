#pragma once

#include <cstdint>

#include "common/bytes.h"
#include "common/time.h"
#include "multicast/wire/packets.h"

// The plain types of the core's face (core.h).
namespace strata::multicast {

struct SendOptions {
  bool received = false;  // Received delivery; a stream keeps the kind of its first message.
  bool prepare = false;   // Committed only, as the next two (sections 7.1 to 7.3).
  bool replies = false;
  bool all_of = false;
};

enum class SendRefusal : uint8_t {
  kQueueFull,   // Try again when sends have ended.
  kTooLong,     // More than kMaxMessageBytes.
  kBadStream,   // No such stream, or it has the other kind of delivery.
  kBadOptions,  // prepare, replies or all_of with received delivery; replies without prepare.
  kNotMember,   // No view yet, or a witness.
};

// A datagram after the Opener: authenticated, header parsed.
struct ReceivedPacket {
  Header header;
  ByteSpan body;
  Endpoint from;
  bool by_multicast = true;  // It came to the group address.
};

}  // namespace strata::multicast

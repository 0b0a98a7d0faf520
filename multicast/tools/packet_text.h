#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "multicast/wire/packets.h"

// Packets as text, for people: what group_dump prints behind time and source.
namespace strata::multicast {

// "DATA", "ABORT_ACK", ...; "type-25" for a number without name.
std::string PacketTypeName(uint8_t type);
// The type of such a name in any case; also takes the number.
std::optional<uint8_t> ParsePacketType(const std::string& name);

// One line for each record of DATA, one line for any other packet; or what is wrong with the
// body. `payload_bytes` of each payload are shown.
Decoded<std::vector<std::string>> DescribeBody(uint8_t type, ByteSpan body, size_t payload_bytes);

}  // namespace strata::multicast

#pragma once

#include <cstddef>

#include "common/bytes.h"

namespace strata::multicast {

// Where the second datagram of a train starts. Captures on a machine that sends or receives trains
// (UDP_SEGMENT, UDP_GRO) show several datagrams, all but the last of one length, as one; the length
// is not in the capture, so it is found by the next header of the same sender and incarnation.
// Returns the whole length if there is only one.
size_t TrainSegment(ByteSpan train);

}  // namespace strata::multicast

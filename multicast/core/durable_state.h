#pragma once

#include <optional>

#include "common/status.h"
#include "multicast/wire/packets.h"

namespace strata::multicast {

// What a member must not forget (spec, section 9): written before anything that depends on it
// leaves.
struct DurableState {
  GroupId group{};
  MemberId member{};
  Incarnation incarnation;
  Epoch promised;
  std::optional<View> installed;
  std::optional<ViewProposal> accepted;  // The last; that of the installed view, or a later one.
};

Bytes EncodeDurable(const DurableState& state);
// DataLoss says what is wrong: too short, unknown format, malformed, of another group or member.
StatusOr<DurableState> DecodeDurable(ByteSpan bytes, GroupId group, MemberId member);

}  // namespace strata::multicast

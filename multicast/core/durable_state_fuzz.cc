#include "common/check.h"
#include "multicast/core/durable_state.h"

// Bytes from a disk: what decodes must be the state of that group and member, and encode to bytes
// that decode to the same.

namespace strata::multicast {
namespace {

constexpr GroupId kGroup = GroupId(7);
constexpr MemberId kMember = MemberId(2);

bool Same(const DurableState& a, const DurableState& b) {
  return a.group == b.group && a.member == b.member && a.incarnation == b.incarnation &&
         a.promised == b.promised && a.installed == b.installed && a.accepted == b.accepted;
}

void Check(ByteSpan bytes) {
  const StatusOr<DurableState> state = DecodeDurable(bytes, kGroup, kMember);
  if (!state.ok()) return;
  STRATA_CHECK(state->group == kGroup && state->member == kMember);
  const StatusOr<DurableState> again = DecodeDurable(EncodeDurable(*state), kGroup, kMember);
  STRATA_CHECK(again.ok() && Same(*again, *state));
}

}  // namespace
}  // namespace strata::multicast

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  strata::multicast::Check({data, size});
  return 0;
}

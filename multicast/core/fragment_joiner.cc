#include "multicast/core/fragment_joiner.h"

#include <utility>

namespace strata::multicast {

std::optional<FragmentJoiner::Joined> FragmentJoiner::OnFragment(MemberId sender,
                                                                 const Incarnation& incarnation,
                                                                 const Fragment& fragment) {
  const bool allowed = fragment.inner_type == static_cast<uint8_t>(PacketType::kReport) ||
                       fragment.inner_type == static_cast<uint8_t>(PacketType::kView) ||
                       fragment.inner_type == static_cast<uint8_t>(PacketType::kCommit);
  if (!allowed || fragment.count == 0 || fragment.index >= fragment.count ||
      fragment.count > kMaxFragments) {
    return std::nullopt;
  }
  if (!partial_.contains(sender) && partial_.size() >= kMaxSenders)
    partial_.erase(partial_.begin());
  Partial& partial = partial_[sender];
  if (partial.incarnation != incarnation || partial.body_id != fragment.body_id ||
      partial.type != fragment.inner_type || partial.pieces.size() != fragment.count) {
    partial = Partial();
    partial.incarnation = incarnation;
    partial.type = fragment.inner_type;
    partial.body_id = fragment.body_id;
    partial.missing = fragment.count;
    partial.pieces.resize(fragment.count);
    partial.have.resize(fragment.count);
  }
  if (partial.have[fragment.index]) return std::nullopt;
  if (partial.bytes + fragment.bytes.size() > kMaxControlBody) {
    partial_.erase(sender);
    return std::nullopt;
  }
  partial.have[fragment.index] = true;
  partial.pieces[fragment.index].assign(fragment.bytes.begin(), fragment.bytes.end());
  partial.bytes += fragment.bytes.size();
  if (--partial.missing > 0) return std::nullopt;
  Joined joined{static_cast<PacketType>(partial.type), {}};
  joined.body.reserve(partial.bytes);
  for (const Bytes& piece : partial.pieces) {
    joined.body.insert(joined.body.end(), piece.begin(), piece.end());
  }
  partial_.erase(sender);
  return joined;
}

}  // namespace strata::multicast

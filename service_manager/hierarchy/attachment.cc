#include "service_manager/hierarchy/attachment.h"

namespace strata::manager::hierarchy {

Status CheckChain(const federation::ScopeLevel& parent, const Chain& chain) {
  if (chain.empty() || chain.front().place != parent) {
    return InvalidArgument("what is above does not begin with %s", ToString(parent).c_str());
  }
  if (chain.size() > kChainMax) {
    return InvalidArgument("%zu managers above each other; %zu at most", chain.size(), kChainMax);
  }
  for (size_t i = 0; i < chain.size(); ++i) {
    if (i > 0) STRATA_RETURN_IF_ERROR(federation::CheckLink(chain[i].place, chain[i - 1].place));
    STRATA_RETURN_IF_ERROR(CheckLinkPolicy(chain[i].policy));
  }
  return Ok();
}

}  // namespace strata::manager::hierarchy

#pragma once

#include <memory>

#include "service_engine/transfer/agent_context.h"
#include "service_engine/transfer/fetch.h"

namespace strata::engine::transfer {

// Runs one round of a fetch on a strand of its own: asks the site's origins in turn, and puts the
// first good answer, or the last bad one, before the readers. Returns at once.
void StartFill(AgentContext& agent, const std::shared_ptr<Fetch>& fetch, uint32_t round);

}  // namespace strata::engine::transfer

#pragma once

#include <cstddef>
#include <string>

#include "common/address.h"
#include "common/status.h"
#include "common/time.h"

namespace strata::cli {

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
};

// GET by plain HTTP, for the status pages of this machine's processes. Unavailable: nobody answers
// there; DeadlineExceeded; ResourceExhausted: the body is longer than that.
StatusOr<HttpAnswer> HttpGet(const Endpoint& endpoint, const std::string& target, size_t bytes_max,
                             Duration patience);

}  // namespace strata::cli

#pragma once

#include <functional>
#include <string>
#include <variant>

#include "common/address.h"
#include "common/status.h"
#include "common/time.h"

namespace strata::engine {

struct HttpAnswer {
  int status = 0;
  std::string body;
};

// One GET on a connection of its own, to a TCP endpoint or to the unix socket of a path. Takes at
// most `limit`; bodies of at most kFetchBytesMax. DeadlineExceeded, or Unavailable with what the
// system says; or if `ending`, when given, becomes true meanwhile. Any thread.
StatusOr<HttpAnswer> HttpGet(const std::variant<Endpoint, std::string>& server,
                             const std::string& host, std::string_view path, Duration limit,
                             const std::function<bool()>& ending = {});

}  // namespace strata::engine

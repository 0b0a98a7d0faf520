#pragma once

#include "common/address.h"
#include "common/unique_fd.h"

namespace strata {

// Listens at a free port of the loopback interface, takes connections and never says a word.
class SilentServer {
 public:
  SilentServer();

  const Endpoint& endpoint() const { return endpoint_; }
  // Until somebody has connected; false: nobody did, for a time that is long for a test.
  bool AwaitClient() const;

 private:
  UniqueFd fd_;
  Endpoint endpoint_;
};

}  // namespace strata

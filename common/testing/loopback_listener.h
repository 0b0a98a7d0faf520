#pragma once

#include "common/address.h"
#include "common/unique_fd.h"

namespace strata {

// Listens at a free port of the loopback interface and takes connections. Whoever connects hears
// nothing, unless a test accepts it.
class LoopbackListener {
 public:
  LoopbackListener();

  const Endpoint& endpoint() const { return endpoint_; }
  // Until somebody has connected; false: nobody did, for a time that is long for a test.
  bool AwaitClient() const;
  // The next who connects, as soon as he does; none after End().
  UniqueFd Accept() const;
  int fd() const { return fd_.get(); }  // To be polled: somebody has connected.
  // Nobody can connect any longer; by any thread.
  void End();

 private:
  UniqueFd fd_;
  Endpoint endpoint_;
};

}  // namespace strata

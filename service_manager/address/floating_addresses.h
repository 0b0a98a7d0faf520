#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/status.h"
#include "common/unique_fd.h"

namespace strata::manager::address {

struct FloatingAddressOptions {
  std::string interface;
  std::vector<IpAddress> addresses;  // At most kAddressesMax; none: all calls do nothing.
  std::chrono::seconds lifetime{1};  // At least 1.
};

// Addresses that are on an interface of this machine for some time, and on another machine's else.
// The kernel has each with a lifetime: who does not put them again loses them, even if its process
// stands still. They are host addresses (/32, /128), and nothing that this machine asks of others
// comes from them: so the machine's own addresses and routes stay as they are.
//
// One thread. Takes CAP_NET_ADMIN and CAP_NET_RAW.
class FloatingAddresses {
 public:
  // Removes what a process before this one may have left. PermissionDenied says what to do about a
  // missing right; FailedPrecondition: one of them is this machine's own.
  static StatusOr<std::unique_ptr<FloatingAddresses>> Open(FloatingAddressOptions options);

  // Puts all of them there for a lifetime from now, those that are there too.
  Status Put();
  // Removes all of them; those that are not there are no error.
  Status Remove();
  // Tells everybody on the LAN that they are here: number of frames sent. An interface without
  // Ethernet, such as lo, has nobody to be told.
  StatusOr<int> Announce();

  const FloatingAddressOptions& options() const { return options_; }

 private:
  explicit FloatingAddresses(FloatingAddressOptions options) : options_(std::move(options)) {}

  Status OpenSockets();
  // FailedPrecondition if a machine's own address is among them.
  Status CheckOwn() const;
  // The interface's number now; it may be made anew at any time.
  StatusOr<unsigned> Index() const;

  const FloatingAddressOptions options_;
  UniqueFd netlink_;
  UniqueFd packet_;
  uint32_t sequence_ = 0;
};

}  // namespace strata::manager::address

#pragma once

#include <chrono>
#include <cstdint>

#include "common/address.h"
#include "common/status.h"

// What is asked of the kernel's rtnetlink about one address (rtnetlink(7)).
namespace strata::manager::address {

struct AddressRequest {
  enum class What : uint8_t { kPut, kRemove };

  What what = What::kPut;
  unsigned interface = 0;  // The kernel's index.
  IpAddress address;
  std::chrono::seconds lifetime{1};  // Of kPut.
};

// Asks, and waits for the answer. NotFound: there was nothing to remove. PermissionDenied,
// Unavailable with the kernel's reason otherwise. `sequence`: another one for each request.
Status Ask(int netlink, const AddressRequest& request, uint32_t sequence);

}  // namespace strata::manager::address

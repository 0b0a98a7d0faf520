#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/address.h"
#include "common/status.h"

namespace strata {

// A range of addresses: those that agree with `ip` in the first `length` bits. A plain value.
struct IpPrefix {
  IpAddress ip;
  uint8_t length = 0;  // 0 to 32, or to 128.

  // "192.0.2.0/24", "2001:db8::/32", or an address alone, which is itself only. InvalidArgument
  // names the text; so it does if there are bits set behind the prefix.
  static StatusOr<IpPrefix> Parse(std::string_view text);

  // An IPv4 address that is written as an IPv6 one counts as the IPv4 one.
  bool Contains(const IpAddress& address) const;

  friend constexpr auto operator<=>(const IpPrefix&, const IpPrefix&) = default;
};

std::string ToString(const IpPrefix& prefix);

}  // namespace strata

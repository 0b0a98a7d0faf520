#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "common/bytes.h"
#include "common/status.h"

namespace strata {

// The values are those of the encoded form.
enum class IpFamily : uint8_t { kV4 = 4, kV6 = 6 };

// An IPv4 or IPv6 address. A plain value; knows nothing of names, prefixes or interfaces. An IPv4
// address and the IPv6 address that maps it are different until Unmapped() makes them equal.
// Orders IPv4 before IPv6, then by number.
class IpAddress {
 public:
  constexpr IpAddress() = default;  // 0.0.0.0
  static constexpr IpAddress V4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    return IpAddress(IpFamily::kV4, {a, b, c, d});
  }
  // `bytes` in network order.
  static constexpr IpAddress V6(const std::array<uint8_t, 16>& bytes) {
    return IpAddress(IpFamily::kV6, bytes);
  }

  // Dotted decimal without leading zeros, or IPv6 in any spelling of RFC 4291 (2.2) without zone
  // and brackets. InvalidArgument names the text otherwise.
  static StatusOr<IpAddress> Parse(std::string_view text);

  constexpr IpFamily family() const { return family_; }
  constexpr bool IsV4() const { return family_ == IpFamily::kV4; }
  constexpr bool IsV6() const { return family_ == IpFamily::kV6; }
  // 4 or 16 bytes in network order; live as long as this object.
  constexpr ByteSpan bytes() const { return {bytes_.data(), IsV4() ? size_t{4} : size_t{16}}; }

  constexpr bool IsUnspecified() const { return bytes_ == std::array<uint8_t, 16>{}; }
  constexpr bool IsLoopback() const {
    constexpr std::array<uint8_t, 16> kV6Loopback = {0, 0, 0, 0, 0, 0, 0, 0,
                                                     0, 0, 0, 0, 0, 0, 0, 1};
    return IsV4() ? bytes_[0] == 127 : bytes_ == kV6Loopback;
  }
  constexpr bool IsMulticast() const {
    return IsV4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
  }
  // Valid on one link only: 169.254.0.0/16, fe80::/10, 224.0.0.0/24, and IPv6 groups of interface
  // or link scope. The IPv6 ones need an interface to be of use.
  constexpr bool IsLinkLocal() const {
    if (IsV4()) {
      return (bytes_[0] == 169 && bytes_[1] == 254) ||
             (bytes_[0] == 224 && bytes_[1] == 0 && bytes_[2] == 0);
    }
    if (bytes_[0] == 0xff) return (bytes_[1] & 0x0f) == 1 || (bytes_[1] & 0x0f) == 2;
    return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
  }

  // The IPv4 address inside an IPv4-mapped one (::ffff:a.b.c.d); otherwise this address.
  IpAddress Unmapped() const;

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

  template <class H>
  friend H AbslHashValue(H state, const IpAddress& address) {
    return H::combine(std::move(state), address.family_, address.bytes_);
  }

 private:
  constexpr IpAddress(IpFamily family, const std::array<uint8_t, 16>& bytes)
      : family_(family), bytes_(bytes) {}

  IpFamily family_ = IpFamily::kV4;
  std::array<uint8_t, 16> bytes_{};  // IPv4 in the first four, zeros behind.
};

// Dotted decimal, or the one canonical spelling of RFC 5952.
std::string ToString(const IpAddress& address);

// One address and UDP or TCP port. `interface` is the kernel's index of the interface that a
// link-local IPv6 address is meant on: 0 where it does not matter. It means something on this
// machine only, so the encoded form leaves it out.
struct Endpoint {
  IpAddress ip;
  uint16_t port = 0;
  uint32_t interface = 0;

  // "192.0.2.1:80", "[2001:db8::1]:80" or "[fe80::1%2]:80"; the zone is an interface index.
  // InvalidArgument names the text otherwise.
  static StatusOr<Endpoint> Parse(std::string_view text);

  friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;

  template <class H>
  friend H AbslHashValue(H state, const Endpoint& endpoint) {
    return H::combine(std::move(state), endpoint.ip, endpoint.port, endpoint.interface);
  }
};

// Copied into queues and packets by the million.
static_assert(std::is_trivially_copyable_v<Endpoint> && sizeof(Endpoint) <= 28);

std::string ToString(const Endpoint& endpoint);

// The encoded form: one family byte (4 or 6), the address (4 or 16 bytes); an endpoint adds its
// port (2 bytes).
inline constexpr size_t kIpAddressEncodedMax = 17;
inline constexpr size_t kEndpointEncodedMax = 19;

void Encode(const IpAddress& address, ByteWriter& writer);
void Encode(const Endpoint& endpoint, ByteWriter& writer);

// An unknown family or missing bytes fail the reader; the result is then a default value.
IpAddress DecodeIpAddress(ByteReader& reader);
Endpoint DecodeEndpoint(ByteReader& reader);

}  // namespace strata

template <>
struct std::hash<strata::IpAddress> {
  size_t operator()(const strata::IpAddress& address) const noexcept;
};

template <>
struct std::hash<strata::Endpoint> {
  size_t operator()(const strata::Endpoint& endpoint) const noexcept;
};

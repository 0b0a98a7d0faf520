#include "cli/topology/ports.h"

#include <algorithm>
#include <array>

namespace strata::cli::topology {
namespace {

constexpr uint32_t kPortMax = 65535;

IpAddress FromBytes(const IpAddress& like, const std::array<uint8_t, 16>& bytes) {
  return like.IsV6() ? IpAddress::V6(bytes) : IpAddress::V4(bytes[0], bytes[1], bytes[2], bytes[3]);
}

std::array<uint8_t, 16> BytesOf(const IpAddress& address) {
  std::array<uint8_t, 16> bytes{};
  std::copy(address.bytes().begin(), address.bytes().end(), bytes.begin());
  return bytes;
}

}  // namespace

std::optional<IpAddress> AddressAfter(const IpAddress& address, uint32_t steps) {
  std::array<uint8_t, 16> bytes = BytesOf(address);
  uint64_t carry = steps;
  for (size_t i = address.bytes().size(); i-- > 0;) {
    carry += bytes[i];
    bytes[i] = static_cast<uint8_t>(carry);
    carry >>= 8;
  }
  if (carry != 0) return std::nullopt;
  return FromBytes(address, bytes);
}

IpAddress AddressAt(const IpAddress& first, uint16_t place) {
  std::array<uint8_t, 16> bytes = BytesOf(first);
  const size_t size = first.bytes().size();
  bytes[size - 2] = static_cast<uint8_t>(place >> 8);
  bytes[size - 1] = static_cast<uint8_t>(place);
  return FromBytes(first, bytes);
}

bool PortBook::IsFree(const std::string& machine, const IpAddress& address, uint16_t port) const {
  const auto there = taken_.find({machine, port});
  if (there == taken_.end()) return true;
  return std::none_of(there->second.begin(), there->second.end(), [&](const IpAddress& other) {
    return other.family() == address.family() &&
           (other == address || other.IsUnspecified() || address.IsUnspecified());
  });
}

bool PortBook::Take(const std::string& machine, std::span<const IpAddress> addresses,
                    uint16_t port) {
  bool free = true;
  for (const IpAddress& address : addresses) {
    free = IsFree(machine, address, port) && free;
    taken_[{machine, port}].insert(address);
  }
  return free;
}

uint16_t PortBook::TakeFree(const std::string& machine, std::span<const IpAddress> addresses,
                            uint16_t wanted) {
  const auto is_free = [&](uint32_t port) {
    return std::all_of(addresses.begin(), addresses.end(), [&](const IpAddress& address) {
      return IsFree(machine, address, static_cast<uint16_t>(port));
    });
  };
  uint32_t port = wanted;
  if (!is_free(port)) {
    for (port = spare_; port <= kPortMax && !is_free(port);) ++port;
  }
  if (port > kPortMax) return 0;
  Take(machine, addresses, static_cast<uint16_t>(port));
  return static_cast<uint16_t>(port);
}

}  // namespace strata::cli::topology

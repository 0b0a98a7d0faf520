#include "common/ip_prefix.h"

#include <algorithm>

#include "common/number.h"

namespace strata {
namespace {

// The first bits of `address` that count, as a mask of byte `at`.
uint8_t MaskOf(size_t at, uint8_t length) {
  const size_t bits = std::min<size_t>(8, length - std::min<size_t>(length, at * 8));
  return static_cast<uint8_t>(0xff00u >> bits);
}

}  // namespace

StatusOr<IpPrefix> IpPrefix::Parse(std::string_view text) {
  const std::string whole(text);
  const size_t slash = std::min(text.find('/'), text.size());
  const StatusOr<IpAddress> ip = IpAddress::Parse(text.substr(0, slash));
  if (!ip.ok()) return InvalidArgument("\"%s\" is no address prefix", whole.c_str());
  const unsigned bits = static_cast<unsigned>(ip->bytes().size() * 8);
  unsigned length = bits;
  if (slash != text.size()) {
    const std::string_view digits = text.substr(slash + 1);
    const std::optional<unsigned> given = ParseNumber<unsigned>(digits);
    if (!given || *given > bits) {
      return InvalidArgument("\"%s\": the length of the prefix is not 0 to %u", whole.c_str(),
                             bits);
    }
    length = *given;
  }
  const IpPrefix prefix{.ip = *ip, .length = static_cast<uint8_t>(length)};
  for (size_t i = 0; i < ip->bytes().size(); ++i) {
    if ((ip->bytes()[i] & ~MaskOf(i, prefix.length)) != 0) {
      return InvalidArgument("\"%s\" has bits set behind the prefix", whole.c_str());
    }
  }
  return prefix;
}

bool IpPrefix::Contains(const IpAddress& address) const {
  const IpAddress plain = address.Unmapped();
  if (plain.family() != ip.family()) return false;
  for (size_t i = 0; i < ip.bytes().size(); ++i) {
    if (((plain.bytes()[i] ^ ip.bytes()[i]) & MaskOf(i, length)) != 0) return false;
  }
  return true;
}

std::string ToString(const IpPrefix& prefix) {
  return ToString(prefix.ip) + "/" + std::to_string(prefix.length);
}

}  // namespace strata

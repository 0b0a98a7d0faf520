#include "common/address.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "common/number.h"

namespace strata {
namespace {

// Texts in messages are cut here: they may be anything.
constexpr size_t kQuotedMax = 80;

Status NotAn(const char* what, std::string_view text) {
  const int size = static_cast<int>(std::min(text.size(), kQuotedMax));
  return InvalidArgument("\"%.*s\" is not an %s", size, text.data(), what);
}

// As ParseNumber, of at most `digits_max` digits and at most `max`.
std::optional<uint32_t> ParseShort(std::string_view text, int base, size_t digits_max,
                                   uint32_t max) {
  if (text.size() > digits_max) return std::nullopt;
  const std::optional<uint32_t> value = ParseNumber<uint32_t>(text, base);
  return value && *value <= max ? value : std::nullopt;
}

// Four numbers joined by dots. Leading zeros are refused: some readers take them for octal.
bool ParseDotted(std::string_view text, uint8_t* out) {
  for (int i = 0; i < 4; ++i) {
    const bool last = i == 3;
    const size_t size = last ? text.size() : text.find('.');
    if (size == std::string_view::npos) return false;
    const std::string_view digits = text.substr(0, size);
    if (digits.size() > 1 && digits.front() == '0') return false;
    const std::optional<uint32_t> value = ParseShort(digits, 10, 3, 255);
    if (!value) return false;
    out[i] = static_cast<uint8_t>(*value);
    if (!last) text.remove_prefix(size + 1);
  }
  return true;
}

// Groups of hexadecimal digits joined by colons, from the front of `out`; where `dotted_end` allows
// it the last two groups may be dotted decimal. Returns how many bytes it filled, or nothing.
std::optional<size_t> ParseGroups(std::string_view text, bool dotted_end,
                                  std::array<uint8_t, 16>& out) {
  size_t filled = 0;
  while (!text.empty()) {
    const size_t size = std::min(text.find(':'), text.size());
    const std::string_view group = text.substr(0, size);
    const bool last = size == text.size();
    if (last && dotted_end && group.find('.') != std::string_view::npos) {
      if (filled + 4 > out.size() || !ParseDotted(group, &out[filled])) return std::nullopt;
      return filled + 4;
    }
    const std::optional<uint32_t> value = ParseShort(group, 16, 4, 0xffff);
    if (!value || filled + 2 > out.size()) return std::nullopt;
    out[filled++] = static_cast<uint8_t>(*value >> 8);
    out[filled++] = static_cast<uint8_t>(*value);
    if (last) return filled;
    text.remove_prefix(size + 1);
    if (text.empty()) return std::nullopt;  // A colon at the end.
  }
  return filled;
}

std::optional<std::array<uint8_t, 16>> ParseV6(std::string_view text) {
  std::array<uint8_t, 16> head{};
  const size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (ParseGroups(text, true, head) != head.size()) return std::nullopt;
    return head;
  }
  std::array<uint8_t, 16> tail{};
  const std::optional<size_t> head_size = ParseGroups(text.substr(0, gap), false, head);
  const std::optional<size_t> tail_size = ParseGroups(text.substr(gap + 2), true, tail);
  // The gap stands for at least one group.
  if (!head_size || !tail_size || *head_size + *tail_size + 2 > head.size()) return std::nullopt;
  std::copy_n(tail.begin(), *tail_size, head.end() - static_cast<std::ptrdiff_t>(*tail_size));
  return head;
}

bool IsMapped(ByteSpan bytes) {
  const auto zeros = bytes.first(10);
  return std::all_of(zeros.begin(), zeros.end(), [](uint8_t b) { return b == 0; }) &&
         bytes[10] == 0xff && bytes[11] == 0xff;
}

std::string Dotted(ByteSpan bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    if (!text.empty()) text.push_back('.');
    text += std::to_string(byte);
  }
  return text;
}

struct Run {
  size_t first = 0;
  size_t size = 0;
};

// The run of zero groups that "::" replaces (RFC 5952, 4.2): the longest, the first among equals,
// never a single group.
Run LongestZeroRun(const std::array<uint16_t, 8>& groups) {
  Run best;
  Run current;
  for (size_t i = 0; i < groups.size(); ++i) {
    if (groups[i] != 0) {
      current.size = 0;
      continue;
    }
    if (current.size++ == 0) current.first = i;
    if (current.size > best.size) best = current;
  }
  return best.size > 1 ? best : Run{};
}

std::string FormatV6(ByteSpan bytes) {
  if (IsMapped(bytes)) return "::ffff:" + Dotted(bytes.subspan(12));
  std::array<uint16_t, 8> groups;
  ByteReader reader(bytes);
  for (uint16_t& group : groups) group = reader.U16();

  const Run gap = LongestZeroRun(groups);
  std::string text;
  for (size_t i = 0; i < groups.size(); ++i) {
    if (gap.size > 0 && i == gap.first) {
      text += "::";
      i += gap.size - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text.push_back(':');
    char digits[4];
    const auto [end, error] = std::to_chars(std::begin(digits), std::end(digits), groups[i], 16);
    text.append(digits, end);
  }
  return text;
}

// Spreads each bit of `value` and `seed` over the result (the 128-bit product, folded).
size_t Mix(uint64_t seed, uint64_t value) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{seed ^ value ^ 0x9e3779b97f4a7c15} * 0xd6e8feb86659fd93;
  return static_cast<size_t>(product >> 64) ^ static_cast<size_t>(product);
}

}  // namespace

StatusOr<IpAddress> IpAddress::Parse(std::string_view text) {
  if (text.find(':') != std::string_view::npos) {
    if (const auto bytes = ParseV6(text)) return V6(*bytes);
  } else {
    std::array<uint8_t, 4> b;
    if (ParseDotted(text, b.data())) return V4(b[0], b[1], b[2], b[3]);
  }
  return NotAn("IP address", text);
}

IpAddress IpAddress::Unmapped() const {
  if (!IsV6() || !IsMapped(bytes())) return *this;
  return V4(bytes_[12], bytes_[13], bytes_[14], bytes_[15]);
}

std::string ToString(const IpAddress& address) {
  return address.IsV4() ? Dotted(address.bytes()) : FormatV6(address.bytes());
}

StatusOr<Endpoint> Endpoint::Parse(std::string_view text) {
  const Status failure = NotAn("endpoint (address:port or [address]:port)", text);
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return failure;
  const std::optional<uint32_t> port = ParseShort(text.substr(colon + 1), 10, 5, 65535);
  if (!port) return failure;

  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);

  std::optional<uint32_t> interface = 0;
  const size_t percent = host.find('%');
  if (percent != std::string_view::npos) {
    interface = ParseShort(host.substr(percent + 1), 10, 10, UINT32_MAX);
    host = host.substr(0, percent);
  }
  const StatusOr<IpAddress> ip = IpAddress::Parse(host);
  const bool zone_fits = percent == std::string_view::npos || (ip.ok() && ip->IsV6());
  if (!ip.ok() || ip->IsV6() != bracketed || !interface || !zone_fits) return failure;
  return Endpoint{*ip, static_cast<uint16_t>(*port), *interface};
}

std::string ToString(const Endpoint& endpoint) {
  std::string host = ToString(endpoint.ip);
  if (endpoint.ip.IsV6()) {
    if (endpoint.interface != 0) host += "%" + std::to_string(endpoint.interface);
    host = "[" + host + "]";
  }
  return host + ":" + std::to_string(endpoint.port);
}

void Encode(const IpAddress& address, ByteWriter& writer) {
  writer.U8(static_cast<uint8_t>(address.family()));
  writer.Put(address.bytes());
}

void Encode(const Endpoint& endpoint, ByteWriter& writer) {
  Encode(endpoint.ip, writer);
  writer.U16(endpoint.port);
}

IpAddress DecodeIpAddress(ByteReader& reader) {
  const uint8_t family = reader.U8();
  if (family == static_cast<uint8_t>(IpFamily::kV4)) {
    std::array<uint8_t, 4> b;
    reader.Read(b);
    return IpAddress::V4(b[0], b[1], b[2], b[3]);
  }
  std::array<uint8_t, 16> bytes;
  if (family != static_cast<uint8_t>(IpFamily::kV6)) reader.Fail();
  reader.Read(bytes);
  return reader.ok() ? IpAddress::V6(bytes) : IpAddress();
}

Endpoint DecodeEndpoint(ByteReader& reader) {
  Endpoint endpoint;
  endpoint.ip = DecodeIpAddress(reader);
  endpoint.port = reader.U16();
  return reader.ok() ? endpoint : Endpoint();
}

}  // namespace strata

size_t std::hash<strata::IpAddress>::operator()(const strata::IpAddress& address) const noexcept {
  std::array<uint64_t, 2> words{};
  std::memcpy(words.data(), address.bytes().data(), address.bytes().size());
  const size_t family = static_cast<size_t>(address.family());
  return strata::Mix(strata::Mix(family, words[0]), words[1]);
}

size_t std::hash<strata::Endpoint>::operator()(const strata::Endpoint& endpoint) const noexcept {
  const uint64_t rest = uint64_t{endpoint.interface} << 16 | endpoint.port;
  return strata::Mix(std::hash<strata::IpAddress>{}(endpoint.ip), rest);
}

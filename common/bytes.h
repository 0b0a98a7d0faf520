#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace strata {

using ByteSpan = std::span<const uint8_t>;  // Somebody else's bytes, to read.
using Bytes = std::vector<uint8_t>;         // Bytes of our own.

inline ByteSpan AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline std::string_view AsText(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

namespace internal {

// Host order to network order, and back: its own inverse.
template <class T>
constexpr T NetworkOrder(T value) {
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) {
    return value;
  } else if constexpr (sizeof(T) == 2) {
    return __builtin_bswap16(value);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bswap32(value);
  } else {
    return __builtin_bswap64(value);
  }
}

}  // namespace internal

// A cursor over somebody else's bytes, for decoding; big-endian. Failure is sticky: from the first
// read that wants more than there is, that read and every later one return zero or nothing and ok()
// is false. So a decoder reads a whole header and asks ok() once, before it believes any of it.
//
// Never allocates. Spans it returns live as long as the bytes it was given.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  uint8_t U8() { return Number<uint8_t>(); }
  uint16_t U16() { return Number<uint16_t>(); }
  uint32_t U32() { return Number<uint32_t>(); }
  uint64_t U64() { return Number<uint64_t>(); }

  // The next `n` bytes, not copied; empty on failure.
  ByteSpan Take(size_t n) {
    const uint8_t* from = Advance(n);
    return from == nullptr ? ByteSpan() : ByteSpan(from, n);
  }

  // Fills `out`, with zeros on failure.
  void Read(std::span<uint8_t> out) {
    const uint8_t* from = Advance(out.size());
    if (out.empty()) return;
    if (from == nullptr) {
      std::memset(out.data(), 0, out.size());
    } else {
      std::memcpy(out.data(), from, out.size());
    }
  }

  void Skip(size_t n) { Advance(n); }

  // Everything that is left.
  ByteSpan Rest() { return Take(remaining()); }

  // For a decoder that finds a value it cannot accept.
  void Fail() {
    ok_ = false;
    at_ = end_;
  }

  bool ok() const { return ok_; }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }  // 0 after a failure.
  // All was read and nothing failed.
  bool AtEnd() const { return ok_ && at_ == end_; }

 private:
  // Where the next `n` bytes start, or null on failure.
  const uint8_t* Advance(size_t n) {
    if (n > remaining()) [[unlikely]] {
      Fail();
      return nullptr;
    }
    const uint8_t* from = at_;
    at_ += n;
    return from;
  }

  template <class T>
  T Number() {
    const uint8_t* from = Advance(sizeof(T));
    if (from == nullptr) [[unlikely]]
      return 0;
    T value;
    std::memcpy(&value, from, sizeof(T));
    return internal::NetworkOrder(value);
  }

  const uint8_t* at_;
  const uint8_t* end_;
  bool ok_ = true;
};

// A cursor that encodes into the caller's buffer; big-endian. Overflow is sticky: from the first
// write that does not fit, that write and every later one change nothing and ok() is false.
//
// Never allocates, never writes outside the buffer.
class ByteWriter {
 public:
  explicit ByteWriter(std::span<uint8_t> buffer)
      : begin_(buffer.data()), at_(buffer.data()), end_(buffer.data() + buffer.size()) {}

  void U8(uint8_t value) { Number(value); }
  void U16(uint16_t value) { Number(value); }
  void U32(uint32_t value) { Number(value); }
  void U64(uint64_t value) { Number(value); }

  void Put(ByteSpan bytes) {
    uint8_t* to = Advance(bytes.size());
    if (to != nullptr && !bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  }
  void Put(std::string_view text) { Put(AsBytes(text)); }

  // The next `n` bytes of the buffer, for the caller to fill; their content is what it was. Empty
  // on overflow.
  std::span<uint8_t> Reserve(size_t n) {
    uint8_t* to = Advance(n);
    return to == nullptr ? std::span<uint8_t>() : std::span<uint8_t>(to, n);
  }

  // Overwrites what was written at `offset` from the start, for lengths known only afterwards.
  // Fails like an overflow unless all of it was written before.
  void PatchU8(size_t offset, uint8_t value) { Patch(offset, value); }
  void PatchU16(size_t offset, uint16_t value) { Patch(offset, value); }
  void PatchU32(size_t offset, uint32_t value) { Patch(offset, value); }
  void PatchU64(size_t offset, uint64_t value) { Patch(offset, value); }

  // For an encoder that is given a value it cannot express.
  void Fail() {
    ok_ = false;
    end_ = at_;  // Nothing fits any more.
  }

  bool ok() const { return ok_; }
  size_t size() const { return static_cast<size_t>(at_ - begin_); }     // Written so far.
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }  // What still fits.
  ByteSpan written() const { return {begin_, size()}; }

 private:
  uint8_t* Advance(size_t n) {
    if (n > remaining()) [[unlikely]] {
      Fail();
      return nullptr;
    }
    uint8_t* to = at_;
    at_ += n;
    return to;
  }

  template <class T>
  void Number(T value) {
    uint8_t* to = Advance(sizeof(T));
    if (to == nullptr) [[unlikely]]
      return;
    value = internal::NetworkOrder(value);
    std::memcpy(to, &value, sizeof(T));
  }

  template <class T>
  void Patch(size_t offset, T value) {
    if (!ok_ || offset > size() || size() - offset < sizeof(T)) [[unlikely]] {
      Fail();
      return;
    }
    value = internal::NetworkOrder(value);
    std::memcpy(begin_ + offset, &value, sizeof(T));
  }

  uint8_t* begin_;
  uint8_t* at_;
  uint8_t* end_;
  bool ok_ = true;
};

}  // namespace strata

#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/address.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/status.h"
#include "common/utf8.h"

// How the fields of our own formats become bytes and values again. What a *text* and its limits are
// is told in docs/protocols/farm.md.
namespace strata {

// Appends big-endian values to a buffer that grows.
class FieldAppender {
 public:
  explicit FieldAppender(Bytes& out) : out_(out) {}

  void U8(uint8_t value) { out_.push_back(value); }
  void U16(uint16_t value) { Number(value); }
  void U32(uint32_t value) { Number(value); }
  void U64(uint64_t value) { Number(value); }
  // In 2^-32ths: the same bytes at every member, whatever its arithmetic.
  void Ratio(double value) {
    STRATA_CHECK(value >= 0 && value < 4294967296.0);
    U64(static_cast<uint64_t>(std::llround(value * 4294967296.0)));
  }
  void Text(std::string_view text) {
    STRATA_CHECK(text.size() <= UINT8_MAX);
    U8(static_cast<uint8_t>(text.size()));
    out_.insert(out_.end(), text.begin(), text.end());
  }
  void Put(ByteSpan bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

 private:
  template <class T>
  void Number(T value) {
    for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
      out_.push_back(static_cast<uint8_t>(value >> shift));
    }
  }

  Bytes& out_;
};

// Reads them, and remembers which field was the first that is wrong.
class FieldReader {
 public:
  explicit FieldReader(ByteReader& in) : in_(in) {}

  uint8_t U8(const char* field) { return Checked(in_.U8(), field); }
  uint16_t U16(const char* field) { return Checked(in_.U16(), field); }
  uint32_t U32(const char* field) { return Checked(in_.U32(), field); }
  uint64_t U64(const char* field) { return Checked(in_.U64(), field); }
  double Ratio(const char* field) { return static_cast<double>(U64(field)) / 4294967296.0; }
  // 0 or 1.
  bool Bool(const char* field) {
    const uint8_t value = U8(field);
    if (value > 1) Fail(field, "is neither 0 nor 1");
    return value == 1;
  }
  // A value from 0 to `last`.
  template <class Enum>
  Enum Choice(Enum last, const char* field) {
    const uint8_t value = U8(field);
    if (value > static_cast<uint8_t>(last)) Fail(field, "is none of the known values");
    return ok() ? static_cast<Enum>(value) : Enum{};
  }
  // A number of items that take at least `bytes_each`.
  size_t Count(uint64_t value, size_t max, size_t bytes_each, const char* field) {
    if (value > max) Fail(field, "is above its limit");
    if (value * bytes_each > in_.remaining()) Fail(field, "promises more than there is");
    return ok() ? static_cast<size_t>(value) : 0;
  }
  std::string Text(size_t max, const char* field) {
    const size_t size = U8(field);
    if (size > max) Fail(field, "is too long");
    const std::string_view text = AsText(in_.Take(ok() ? size : 0));
    if (text.size() != size) Fail(field, "is cut off");
    if (!IsUtf8(text)) Fail(field, "is not UTF-8");
    for (const char c : text) {
      if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) Fail(field, "has control characters");
    }
    return ok() ? std::string(text) : std::string();
  }
  // As many bytes; none, if something failed before. They live as long as what is read.
  ByteSpan Take(size_t size) { return in_.Take(ok() ? size : 0); }
  strata::Endpoint Endpoint(const char* field) {
    const strata::Endpoint endpoint = DecodeEndpoint(in_);
    return Checked(endpoint, field);
  }

  void Fail(const char* field, const char* why) {
    if (!ok()) return;
    field_ = field;
    why_ = why;
    in_.Fail();
  }
  bool ok() const { return field_ == nullptr; }
  Status status() const { return ok() ? Ok() : InvalidArgument("field %s %s", field_, why_); }

 private:
  template <class T>
  T Checked(T value, const char* field) {
    if (ok() && !in_.ok()) {
      field_ = field;
      why_ = "is cut off or wrong";
    }
    return value;
  }

  ByteReader& in_;
  const char* field_ = nullptr;
  const char* why_ = nullptr;
};

}  // namespace strata

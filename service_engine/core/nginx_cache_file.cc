#include "service_engine/core/nginx_cache_file.h"

#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

#include "farm/asset.h"

namespace strata::engine {
namespace {

// Offsets in the header, which the compiler of nginx laid out.
constexpr size_t kVersionAt = 0;
constexpr size_t kValidAt = 8;
constexpr size_t kLastModifiedAt = 32;
constexpr size_t kHeaderStartAt = 54;
constexpr size_t kBodyStartAt = 56;
constexpr size_t kEtagAt = 58;  // A length of one byte, then the text.
constexpr size_t kVaryAt = 187;
constexpr size_t kVariantAt = 316;
constexpr size_t kTextBytes = 128;
constexpr size_t kHeaderBytes = 336;

constexpr uint64_t kVersion = 5;
constexpr std::string_view kKeyMark = "\nKEY: ";
constexpr std::string_view kStatusMark = "HTTP/1.";
constexpr std::string_view kLengthMark = "\r\nContent-Length: ";

// A number as nginx's machine, and ours, keeps it.
template <class T>
T NumberAt(ByteSpan bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

StatusOr<std::string> TextAt(ByteSpan bytes, size_t at, const char* what) {
  const size_t length = bytes[at];
  if (length > kTextBytes) return InvalidArgument("%s of %zu bytes", what, length);
  return std::string(AsText(bytes.subspan(at + 1, length)));
}

template <class T>
std::optional<T> Number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

// `header`: what the origin answered, from "HTTP/1.x" on.
Status ReadAnswer(std::string_view header, NginxCacheFile& file) {
  const size_t space = header.find(' ');
  if (!header.starts_with(kStatusMark) || space == std::string_view::npos) {
    return InvalidArgument("no status line after the key");
  }
  const std::optional<int> status = Number<int>(header.substr(space + 1, 3));
  if (!status || *status < 100) return InvalidArgument("no status in the status line");
  file.status = *status;
  // nginx writes the names as the origin did.
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto same = [lower](char a, char b) { return lower(a) == lower(b); };
  const auto found =
      std::search(header.begin(), header.end(), kLengthMark.begin(), kLengthMark.end(), same);
  if (found != header.end()) {
    const auto from = static_cast<size_t>(found - header.begin()) + kLengthMark.size();
    file.content_length = Number<uint64_t>(header.substr(from));
  }
  return Ok();
}

}  // namespace

std::string NginxCacheFile::Validator() const {
  if (etag.empty()) return last_modified < 0 ? "" : "t" + std::to_string(last_modified);
  if (etag.size() <= farm::kMaxValidator) return etag;
  return "#" + std::to_string(XXH3_64bits(etag.data(), etag.size()));
}

StatusOr<NginxCacheFile> ParseNginxCacheFile(ByteSpan front) {
  if (front.size() < kHeaderBytes + kKeyMark.size()) {
    return InvalidArgument("only %zu bytes", front.size());
  }
  const auto version = NumberAt<uint64_t>(front, kVersionAt);
  if (version != kVersion) {
    return InvalidArgument("cache file version %llu, known is %llu",
                           static_cast<unsigned long long>(version),
                           static_cast<unsigned long long>(kVersion));
  }
  NginxCacheFile file;
  file.valid_until = NumberAt<int64_t>(front, kValidAt);
  file.last_modified = std::max<int64_t>(NumberAt<int64_t>(front, kLastModifiedAt), -1);
  const size_t header_start = NumberAt<uint16_t>(front, kHeaderStartAt);
  file.body_start = NumberAt<uint16_t>(front, kBodyStartAt);
  STRATA_ASSIGN_OR_RETURN(file.etag, TextAt(front, kEtagAt, "ETag"));
  STRATA_ASSIGN_OR_RETURN(file.vary, TextAt(front, kVaryAt, "Vary"));
  std::memcpy(file.variant.data(), front.data() + kVariantAt, file.variant.size());
  const std::string_view text = AsText(front);
  if (text.substr(kHeaderBytes, kKeyMark.size()) != kKeyMark) return InvalidArgument("no KEY line");
  const size_t key_at = kHeaderBytes + kKeyMark.size();
  if (header_start <= key_at || header_start - key_at - 1 > kMaxCacheKeyBytes ||
      file.body_start < header_start || file.body_start > front.size()) {
    return InvalidArgument("header from %zu to %u does not fit", header_start, file.body_start);
  }
  file.key = text.substr(key_at, header_start - key_at - 1);
  if (text[header_start - 1] != '\n' || file.key.find('\n') != std::string::npos) {
    return InvalidArgument("the KEY line does not end where the header starts");
  }
  const std::string_view answer = text.substr(header_start, file.body_start - header_start);
  STRATA_RETURN_IF_ERROR(ReadAnswer(answer, file));
  return file;
}

}  // namespace strata::engine

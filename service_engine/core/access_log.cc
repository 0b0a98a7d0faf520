#include "service_engine/core/access_log.h"

#include <array>
#include <charconv>
#include <optional>

#include "common/bytes.h"
#include "common/hex.h"

namespace strata::engine {
namespace {

constexpr size_t kFields = 8;
constexpr std::string_view kNone = "-";  // What nginx writes for an empty variable.

// Undoes nginx's escapes.
StatusOr<std::string> Text(std::string_view field, const char* name) {
  if (field == kNone) return std::string();
  if (field.find('\\') == std::string_view::npos) return std::string(field);
  std::string text;
  for (size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '\\') {
      text += field[i];
      continue;
    }
    const bool escape = i + 3 < field.size() && field[i + 1] == 'x';
    const std::optional<Bytes> byte = escape ? FromHex(field.substr(i + 2, 2)) : std::nullopt;
    if (!byte) return InvalidArgument("%s: a \\ that is no \\xHH", name);
    text += static_cast<char>(byte->front());
    i += 3;
  }
  return text;
}

template <class T>
StatusOr<T> Number(std::string_view field, const char* name) {
  T value{};
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size() || field.empty()) {
    return InvalidArgument("%s is no number", name);
  }
  return value;
}

// "12.034": seconds and thousandths.
StatusOr<Duration> Time(std::string_view field) {
  const size_t dot = field.find('.');
  if (dot == std::string_view::npos || field.size() - dot != 4) {
    return InvalidArgument("request_time is not in seconds and thousandths");
  }
  STRATA_ASSIGN_OR_RETURN(const uint32_t seconds,
                          Number<uint32_t>(field.substr(0, dot), "request_time"));
  STRATA_ASSIGN_OR_RETURN(const uint32_t millis,
                          Number<uint32_t>(field.substr(dot + 1), "request_time"));
  return std::chrono::seconds(seconds) + std::chrono::milliseconds(millis);
}

}  // namespace

StatusOr<FinishedRequest> ParseAccessLogLine(std::string_view line) {
  std::array<std::string_view, kFields> fields;
  for (size_t i = 0; i < kFields; ++i) {
    const size_t tab = line.find('\t');
    const bool last = i + 1 == kFields;
    if (last != (tab == std::string_view::npos)) {
      return InvalidArgument("%s than %zu fields", last ? "more" : "fewer", kFields);
    }
    fields[i] = line.substr(0, tab);
    if (!last) line.remove_prefix(tab + 1);
  }
  FinishedRequest request;
  STRATA_ASSIGN_OR_RETURN(request.site, Text(fields[0], "site"));
  STRATA_ASSIGN_OR_RETURN(request.method, Text(fields[1], "method"));
  STRATA_ASSIGN_OR_RETURN(request.target, Text(fields[2], "target"));
  STRATA_ASSIGN_OR_RETURN(request.status, Number<int>(fields[3], "status"));
  if (request.status < 0 || request.status > 999) return InvalidArgument("status is no status");
  STRATA_ASSIGN_OR_RETURN(request.duration, Time(fields[4]));
  STRATA_ASSIGN_OR_RETURN(request.bytes, Number<uint64_t>(fields[5], "bytes_sent"));
  STRATA_ASSIGN_OR_RETURN(request.client, IpAddress::Parse(fields[6]));
  STRATA_ASSIGN_OR_RETURN(request.cache, Text(fields[7], "cache"));
  return request;
}

void AccessLogReader::Read(std::string_view bytes, std::vector<FinishedRequest>& requests) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const bool whole = end != std::string_view::npos;
    const std::string_view piece = bytes.substr(0, end);
    bytes.remove_prefix(whole ? end + 1 : bytes.size());
    too_long_ = too_long_ || rest_.size() + piece.size() > kMaxAccessLogLine;
    if (too_long_) {
      consumed_ += rest_.size() + piece.size() + (whole ? 1 : 0);
      rest_.clear();
      if (whole) {
        ++broken_;
        too_long_ = false;
      }
    } else if (!whole) {
      rest_ += piece;
    } else if (rest_.empty()) {
      Line(piece, requests);
    } else {
      rest_ += piece;
      Line(rest_, requests);
      rest_.clear();
    }
  }
}

void AccessLogReader::Line(std::string_view line, std::vector<FinishedRequest>& requests) {
  consumed_ += line.size() + 1;
  StatusOr<FinishedRequest> request = ParseAccessLogLine(line);
  if (request.ok()) {
    requests.push_back(*std::move(request));
  } else {
    ++broken_;
  }
}

void AccessLogReader::EndFile() {
  if (!rest_.empty() || too_long_) ++broken_;
  rest_.clear();
  too_long_ = false;
  consumed_ = 0;
}

}  // namespace strata::engine

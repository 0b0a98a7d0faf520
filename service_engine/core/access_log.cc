#include "service_engine/core/access_log.h"

#include <array>
#include <charconv>
#include <utility>

namespace strata::engine {
namespace {

constexpr size_t kFields = 9;            // Before the operator's line.
constexpr std::string_view kNone = "-";  // What nginx writes for an empty variable.

std::string_view Text(std::string_view field) { return field == kNone ? "" : field; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Undoes nginx's escapes; false if there is a \ that is no \xHH.
bool Unescape(std::string_view field, std::string& text) {
  for (size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '\\') {
      text += field[i];
      continue;
    }
    if (i + 3 >= field.size() || field[i + 1] != 'x') return false;
    const int high = HexDigit(field[i + 2]);
    const int low = HexDigit(field[i + 3]);
    if (high < 0 || low < 0) return false;
    text += static_cast<char>(high * 16 + low);
    i += 3;
  }
  return true;
}

template <class T>
bool Number(std::string_view field, T& value) {
  const char* const end = field.data() + field.size();
  const auto [at, error] = std::from_chars(field.data(), end, value);
  return error == std::errc() && at == end;
}

// "12.034": seconds and thousandths.
bool Time(std::string_view field, Duration& time) {
  constexpr size_t kDecimals = 4;  // With their dot.
  if (field.size() <= kDecimals || field[field.size() - kDecimals] != '.') return false;
  uint32_t seconds = 0;
  uint32_t millis = 0;
  if (!Number(field.substr(0, field.size() - kDecimals), seconds)) return false;
  if (!Number(field.substr(field.size() - kDecimals + 1), millis)) return false;
  time = std::chrono::seconds(seconds) + std::chrono::milliseconds(millis);
  return true;
}

}  // namespace

std::string AccessLogFormat(std::string_view site, std::string_view entry,
                            std::string_view target) {
  std::string format;
  for (const std::string_view field :
       {site, entry, std::string_view("$upstream_cache_status"), std::string_view("$request_time"),
        std::string_view("$bytes_sent"), std::string_view("$status"),
        std::string_view("$remote_addr"), std::string_view("$request_method"), target}) {
    format += field;
    format += '\t';
  }
  return format;
}

LineFault ParseAccessLogLine(std::string_view line, FinishedRequest& request,
                             std::deque<std::string>& spelled) {
  std::array<std::string_view, kFields> fields;
  for (std::string_view& field : fields) {
    const size_t tab = line.find('\t');
    if (tab == std::string_view::npos) return LineFault::kFields;
    field = line.substr(0, tab);
    line.remove_prefix(tab + 1);
  }
  request.site = Text(fields[0]);
  request.entry = request.site.empty() ? "" : Text(fields[1]);
  request.cache = Text(fields[2]);
  if (!Time(fields[3], request.duration)) return LineFault::kDuration;
  if (!Number(fields[4], request.bytes)) return LineFault::kBytes;
  if (!Number(fields[5], request.status) || request.status < 0 || request.status > 999) {
    return LineFault::kStatus;
  }
  request.client = fields[6];
  request.method = Text(fields[7]);
  request.target = Text(fields[8]);
  request.operator_line = line;
  if (request.target.find('\\') == std::string_view::npos) return LineFault::kNone;
  std::string target;
  if (!Unescape(request.target, target)) return LineFault::kEscape;
  request.target = spelled.emplace_back(std::move(target));
  return LineFault::kNone;
}

size_t AccessLogReader::Read(std::string_view bytes, std::vector<FinishedRequest>& requests) {
  spelled_.clear();
  size_t taken = 0;
  while (taken < bytes.size()) {
    const std::string_view rest = bytes.substr(taken);
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
      if (!too_long_ && rest.size() <= kMaxAccessLogLine) break;
      too_long_ = true;
      return bytes.size();
    }
    taken += end + 1;
    FinishedRequest request;
    const bool fits = !std::exchange(too_long_, false) && end <= kMaxAccessLogLine;
    if (fits && ParseAccessLogLine(rest.substr(0, end), request, spelled_) == LineFault::kNone) {
      requests.push_back(request);
    } else {
      ++broken_;
    }
  }
  return taken;
}

void AccessLogReader::EndFile(uint64_t rest) {
  if (rest > 0 || too_long_) ++broken_;
  too_long_ = false;
}

}  // namespace strata::engine

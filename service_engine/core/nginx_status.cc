#include "service_engine/core/nginx_status.h"

#include <algorithm>
#include <charconv>

namespace strata::engine {
namespace {

// A cursor over the page: words and numbers between spaces and line ends.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  bool Take(std::string_view word) { return Next() == word; }
  bool Take(uint64_t& number) {
    const std::string_view word = Next();
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    return error == std::errc() && end == word.data() + word.size() && !word.empty();
  }
  bool AtEnd() { return Next().empty(); }

 private:
  std::string_view Next() {
    const size_t from = text_.find_first_not_of(" \r\n");
    if (from == std::string_view::npos) return {};
    text_.remove_prefix(from);
    const size_t end = std::min(text_.find_first_of(" \r\n"), text_.size());
    const std::string_view word = text_.substr(0, end);
    text_.remove_prefix(end);
    return word;
  }

  std::string_view text_;
};

}  // namespace

StatusOr<NginxStatus> ParseNginxStatus(std::string_view page) {
  NginxStatus status;
  Words words(page);
  if (!words.Take("Active") || !words.Take("connections:") || !words.Take(status.active)) {
    return InvalidArgument("stub_status: no active connections in its first line");
  }
  if (!words.Take("server") || !words.Take("accepts") || !words.Take("handled") ||
      !words.Take("requests") || !words.Take(status.accepts) || !words.Take(status.handled) ||
      !words.Take(status.requests)) {
    return InvalidArgument("stub_status: no accepts, handled and requests after that");
  }
  if (!words.Take("Reading:") || !words.Take(status.reading) || !words.Take("Writing:") ||
      !words.Take(status.writing) || !words.Take("Waiting:") || !words.Take(status.waiting) ||
      !words.AtEnd()) {
    return InvalidArgument("stub_status: no reading, writing and waiting in its last line");
  }
  return status;
}

}  // namespace strata::engine

#include "service_manager/frontend/request_head.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>

namespace strata::manager::frontend {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::string_view kEnd = "\r\n\r\n";
constexpr std::string_view kLineEnd = "\r\n";

routing::Method MethodOf(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return routing::Method::kGet;
    case http::verb::head:
      return routing::Method::kHead;
    case http::verb::options:
      return routing::Method::kOptions;
    default:
      return routing::Method::kOther;
  }
}

// Beast's parser, keeping views of the few fields that matter instead of a copy of them all.
class HeadParser final : public http::basic_parser<true> {
 public:
  HeadParser(std::string_view bytes, RequestHead& head) : bytes_(bytes), head_(head) {}

  bool ambiguous() const { return ambiguous_; }
  bool unknown_coding() const { return unknown_coding_; }

 private:
  using Text = beast::string_view;

  void on_request_impl(http::verb verb, Text, Text target, int version,
                       beast::error_code&) override {
    head_.method = MethodOf(verb);
    head_.target = {target.data(), target.size()};
    head_.http_1_0 = version < 11;
  }

  void on_field_impl(http::field name, Text, Text value, beast::error_code&) override {
    const std::string_view view(value.data(), value.size());
    // What is folded over lines lies elsewhere, put together.
    if (!view.empty() && (view.data() < bytes_.begin() || view.data() >= bytes_.end())) {
      ambiguous_ = true;
      return;
    }
    switch (name) {
      case http::field::host:
        if (hosts_++ > 0) ambiguous_ = true;
        head_.host = view;
        break;
      case http::field::transfer_encoding:
        unknown_coding_ = unknown_coding_ || codings_++ > 0 || head_.http_1_0 ||
                          !beast::iequals(value, "chunked");
        break;
      case http::field::origin:
        head_.origin = view;
        break;
      case http::field::accept:
        head_.accept = view;
        break;
      case http::field::access_control_request_method:
        head_.cors_method = view;
        break;
      case http::field::access_control_request_headers:
        head_.cors_headers = view;
        break;
      default:
        break;
    }
  }

  void on_header_impl(beast::error_code&) override {}
  void on_response_impl(int, Text, int, beast::error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, beast::error_code&) override {}
  size_t on_body_impl(Text body, beast::error_code&) override { return body.size(); }
  void on_chunk_header_impl(uint64_t, Text, beast::error_code&) override {}
  size_t on_chunk_body_impl(uint64_t, Text body, beast::error_code&) override {
    return body.size();
  }
  void on_finish_impl(beast::error_code&) override {}

  const std::string_view bytes_;
  RequestHead& head_;
  int hosts_ = 0;
  int codings_ = 0;
  bool ambiguous_ = false;
  bool unknown_coding_ = false;
};

HeadResult Parse(std::string_view bytes, RequestHead& head) {
  head = {};
  HeadParser parser(bytes, head);
  parser.header_limit(static_cast<uint32_t>(bytes.size() + 1));
  parser.body_limit(boost::none);
  beast::error_code error;
  parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error == http::error::bad_version) return HeadResult::kUnknownVersion;
  if (!parser.is_header_done() || parser.ambiguous()) return HeadResult::kMalformed;
  if (error && error != http::error::need_more) return HeadResult::kMalformed;
  if (parser.unknown_coding()) return HeadResult::kUnknownCoding;
  head.keep_alive = parser.keep_alive();
  head.has_body = parser.chunked() || parser.content_length().value_or(0) > 0;
  return HeadResult::kComplete;
}

}  // namespace

HeadResult ParseRequestHead(std::string_view bytes, size_t bytes_max, size_t& searched,
                            RequestHead& head) {
  // Empty lines before a request are skipped (RFC 9112, section 2.2).
  size_t start = 0;
  while (bytes.substr(start).starts_with(kLineEnd)) start += kLineEnd.size();
  const size_t from = std::max(start, searched);
  const size_t end = bytes.find(kEnd, from);
  if (end == std::string_view::npos) {
    if (bytes.size() >= bytes_max) return HeadResult::kTooLarge;
    searched = bytes.size() < kEnd.size() ? 0 : bytes.size() - (kEnd.size() - 1);
    return HeadResult::kIncomplete;
  }
  if (end + kEnd.size() > bytes_max) return HeadResult::kTooLarge;
  searched = 0;
  const HeadResult result = Parse(bytes.substr(start, end + kEnd.size() - start), head);
  head.start = start;
  head.bytes = end + kEnd.size();
  return result;
}

}  // namespace strata::manager::frontend

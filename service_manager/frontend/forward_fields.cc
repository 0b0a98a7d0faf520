#include "service_manager/frontend/forward_fields.h"

#include <boost/beast/http/rfc7230.hpp>
#include <vector>

namespace strata::manager::frontend {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr const char* kVia = "1.1 strata";

// Fields that decide where a message ends, or whom it is for: naming them in Connection takes
// nothing away.
bool IsEssential(beast::string_view name) {
  const http::field field = http::string_to_field(name);
  return field == http::field::content_length || field == http::field::transfer_encoding ||
         field == http::field::host;
}

// Those that are about one connection only.
void RemoveHopByHop(http::fields& fields) {
  std::vector<std::string> named;
  const auto range = fields.equal_range(http::field::connection);
  for (auto it = range.first; it != range.second; ++it) {
    for (const auto& token : http::token_list(it->value())) named.emplace_back(token);
  }
  for (const std::string& name : named) {
    if (!IsEssential(name)) fields.erase(name);
  }
  for (const http::field field :
       {http::field::connection, http::field::keep_alive, http::field::proxy_connection,
        http::field::te, http::field::trailer, http::field::upgrade,
        http::field::proxy_authenticate, http::field::proxy_authorization}) {
    fields.erase(field);
  }
}

void Append(const char* name, const std::string& value, http::fields& fields) {
  std::string whole;
  const auto range = fields.equal_range(name);
  for (auto each = range.first; each != range.second; ++each) {
    whole += std::string(each->value()) + ", ";
  }
  fields.set(name, whole + value);
}

}  // namespace

void PrepareRequest(const EngineRequest& asked, ForwardedRequest& request) {
  RemoveHopByHop(request);
  request.erase(http::field::expect);
  request.version(11);
  request.target(asked.target);
  Append("X-Forwarded-For", ToString(asked.client), request);
  request.set("X-Forwarded-Host", asked.host);
  request.set("X-Forwarded-Proto", "http");
  Append("Via", kVia, request);
}

void PrepareResponse(bool http_1_0, bool has_body, bool& keep, ForwardedResponse& response) {
  RemoveHopByHop(response);
  Append("Via", kVia, response);
  response.version(11);
  if (has_body) {
    if (http_1_0) {
      response.chunked(false);
    } else if (!response.has_content_length()) {
      response.chunked(true);
    }
    // Then the end of the connection is the end of the body.
    keep = keep && (response.chunked() || response.has_content_length());
  }
  if (!keep) {
    response.set(http::field::connection, "close");
  } else if (http_1_0) {
    response.set(http::field::connection, "keep-alive");
  }
}

}  // namespace strata::manager::frontend

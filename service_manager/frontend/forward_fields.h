#pragma once

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/message.hpp>
#include <string>

#include "common/address.h"

namespace strata::manager::frontend {

// What changes in the heads of messages that are forwarded (RFC 9110, section 7.6).

using ForwardedRequest = boost::beast::http::request<boost::beast::http::buffer_body>;
using ForwardedResponse = boost::beast::http::response<boost::beast::http::buffer_body>;

// What an engine is asked. Its address comes into Host where it is chosen.
struct EngineRequest {
  std::string target;
  std::string host;  // That the client asked for.
  IpAddress client;
};
void PrepareRequest(const EngineRequest& asked, ForwardedRequest& request);

// To a client of HTTP/1.0, or of HTTP/1.1; `keep` is whether its connection may stay open, and
// is false afterwards if the answer can only end with it. `has_body`: one follows.
void PrepareResponse(bool http_1_0, bool has_body, bool& keep, ForwardedResponse& response);

}  // namespace strata::manager::frontend

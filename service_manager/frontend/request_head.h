#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "service_manager/routing/decision.h"

namespace strata::manager::frontend {

// What the front end wants to know of a request's start line and fields. The views are into the
// bytes that were parsed.
struct RequestHead {
  routing::Method method = routing::Method::kGet;
  std::string_view target;
  std::string_view host;
  std::string_view origin;
  std::string_view accept;
  std::string_view cors_method;   // Access-Control-Request-Method: of a preflight request.
  std::string_view cors_headers;  // Access-Control-Request-Headers
  bool http_1_0 = false;
  bool keep_alive = false;  // As the client wishes.
  bool has_body = false;
  size_t start = 0;  // Where it begins, behind empty lines.
  size_t bytes = 0;  // Up to its body.
};

enum class HeadResult : uint8_t {
  kComplete,
  kIncomplete,      // More has to come.
  kMalformed,       // Or ambiguous: several hosts, a length beside chunks, folded lines.
  kTooLarge,        // It is above the limit, or will be.
  kUnknownCoding,   // A transfer coding other than chunked.
  kUnknownVersion,  // Neither HTTP/1.1 nor HTTP/1.0.
};

// Reads the head of the request at the start of `bytes`. `searched` is how many of the bytes an
// earlier call has found to hold no end of the head: 0 at first, and again after each kComplete.
HeadResult ParseRequestHead(std::string_view bytes, size_t bytes_max, size_t& searched,
                            RequestHead& head);

}  // namespace strata::manager::frontend

#pragma once

#include <string>
#include <string_view>

#include "farm/site.h"
#include "service_engine/core/http_fields.h"

namespace strata::engine {

// What goes with every request to an origin.
struct ProxyIdentity {
  std::string name;        // In Via.
  std::string loop_token;  // In CDN-Loop.
};

// Whether a request has been here: one of the CDN-Loop values has our token (RFC 8586). A request
// whose list is too long to be honest has been somewhere too often as well.
bool HasLooped(const HttpFields& request, std::string_view loop_token);

// Who asks, beside what the request's own header lines say.
struct ProxiedClient {
  std::string address;
  std::string scheme;
  std::string host;  // As he sent it.
};

// The header lines of a request to an origin, made of those of the client's: without hop-by-hop and
// internal ones, Host and the length of the body, which the sender knows; with CDN-Loop, Via and
// X-Forwarded-…
HttpFields OriginRequestFields(const HttpFields& client, const ProxiedClient& who,
                               const ProxyIdentity& identity);
// Of a fill: without Range, and with conditions only if they are wanted.
void MakeWhole(HttpFields& request, bool keep_conditions);

// The header lines of an answer that may go on to nginx: without hop-by-hop ones, and without those
// by which an origin could command nginx or the agent (X-Accel-…, Strata-…).
HttpFields AnswerFields(const HttpFields& origin);

// The names in a Vary list, in small letters, sorted, each once. "*" stays.
std::vector<std::string> VaryNames(const HttpFields& answer);
// Whether two requests agree in all of these lines.
bool Agree(const HttpFields& one, const HttpFields& other, const std::vector<std::string>& names);

// The value of Host for an origin of this site.
std::string HostFor(const farm::Site& site, const farm::Origin& origin);

}  // namespace strata::engine

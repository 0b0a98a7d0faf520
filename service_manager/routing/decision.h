#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "common/address.h"
#include "common/status.h"
#include "farm/content_key.h"
#include "farm/site.h"
#include "service_manager/directory/location.h"
#include "service_manager/routing/client_addresses.h"
#include "service_manager/routing/explanation.h"

namespace strata::manager::routing {

enum class Method : uint8_t { kGet, kHead, kOptions, kOther };

// What a request says, as the client sent it. The views live as long as the decision is used.
struct Request {
  Method method = Method::kGet;
  std::string_view host;    // With port, if there is one; a host in the target goes before it.
  std::string_view target;  // Path and query, or the whole URI.
  std::string_view origin;  // The web page's, of which it is a part; empty: none is named.
  bool preflight = false;   // It asks which methods such a page may use.
  IpAddress client;
  bool may_explain = false;  // The client is an operator.
  uint64_t draw = 0;         // Differs from request to request (farm::RankHolders).
};

enum class Outcome : uint8_t {
  kRedirect,    // To `location`.
  kForward,     // Ask `engines`, one after the other, for `engine_target`.
  kPreflight,   // Answer it with `cors`; also a question for the methods of the server.
  kExplain,     // `explanation`
  kNoSite,      // The host is no site's.
  kNoEngine,    // Nobody can serve it now.
  kBadRequest,  // `problem`
};

// How many locations a content has; the first of them in `out`, as many as fit.
using Lookup = absl::FunctionRef<size_t(const farm::ContentKey&, std::span<directory::Location>)>;

// What a web page of another origin may know.
struct Cors {
  std::string_view allow_origin;  // "*", or the request's; empty: nothing is allowed.
  bool vary = false;              // Another origin may get another answer.
};

struct Decision {
  Outcome outcome = Outcome::kBadRequest;
  const farm::Site* site = nullptr;  // The snapshot's; null where none was found.
  Cors cors;
  std::string_view host;  // Canonical; of a site's request. As long as the request's views.
  // Of a request that is redirected, forwarded or has no engine: its content, and whether somebody
  // who serves is known to hold it.
  farm::ContentKey key;
  std::string_view uri;  // Canonical.
  bool held = false;
  std::string location;
  std::string engine_target;
  std::vector<const Authorities*> engines;  // The snapshot's; at least one.
  Explanation explanation;
  Status problem;
};

// The explanation of a decision whose outcome would be `outcome`, but for its engines.
void BeginExplanation(Outcome outcome, Decision& decision);

}  // namespace strata::manager::routing

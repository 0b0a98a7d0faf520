#pragma once

#include <array>
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
#include "farm/ranking.h"
#include "farm/site.h"
#include "service_manager/directory/location.h"
#include "service_manager/routing/explanation.h"
#include "service_manager/routing/limits.h"
#include "service_manager/routing/routing_snapshot.h"

namespace strata::manager::routing {

enum class Method : uint8_t { kGet, kHead, kOptions, kOther };

// What a request says, as the client sent it. The views live as long as the decision is used.
struct Request {
  Method method = Method::kGet;
  std::string_view host;    // With port, if there is one; a host in the target goes before it.
  std::string_view target;  // Path and query, or the whole URI.
  std::string_view origin;  // The web page's, of which it is a part; empty: none is named.
  bool preflight = false;   // It asks which methods such a page may use.
  IpFamily family = IpFamily::kV4;  // Of the client's address.
  bool may_explain = false;         // The client is an operator.
  uint64_t draw = 0;                // Differs from request to request (farm::RankHolders).
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
  std::string location;
  std::string engine_target;
  std::vector<const RoutingSnapshot::Authorities*> engines;  // The snapshot's; at least one.
  Explanation explanation;
  Status problem;
};

// Decides what a request is answered with: a function of the request, the snapshot, and of who
// holds the content. Pure; one for each thread, since it keeps memory from request to request.
class Router {
 public:
  // How many locations a content has; the first of them in `out`, as many as fit.
  using Lookup = absl::FunctionRef<size_t(const farm::ContentKey&, std::span<directory::Location>)>;

  // Valid until the next call. `lookup` is called once at most.
  const Decision& Decide(const RoutingSnapshot& snapshot, const Request& request, Lookup lookup);

 private:
  Outcome Judge(const RoutingSnapshot& snapshot, Request request, Lookup lookup);
  // The canonical host of a request, or why there is none.
  Status ReadHost(const RoutingSnapshot& snapshot, std::string_view host);
  // Ranks those who hold the content, and all who may fetch it if nobody does.
  void Rank(const RoutingSnapshot& snapshot, uint64_t draw, size_t locations);
  Outcome Redirect(const RoutingSnapshot& snapshot, const Request& request);
  Outcome Forward(const RoutingSnapshot& snapshot, const Request& request);
  void AddEngines(const RoutingSnapshot& snapshot, std::span<const farm::Candidate> candidates);
  void Explain(const RoutingSnapshot& snapshot, Outcome outcome, bool held, size_t locations);
  Outcome BadRequest(Status problem);

  Decision decision_;
  farm::ContentKey key_;
  // Memory.
  std::string canonical_host_;
  std::string absolute_target_;
  std::string target_;
  std::string uri_;
  std::array<directory::Location, kLocationsRankedMax> locations_;
  std::vector<const farm::EngineCard*> holders_;
  std::vector<farm::Candidate> ranked_;
  std::vector<farm::Candidate> spare_;
};

}  // namespace strata::manager::routing

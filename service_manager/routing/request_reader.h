#pragma once

#include <optional>
#include <string>

#include "service_manager/routing/decision.h"
#include "service_manager/routing/sites_by_host.h"

namespace strata::manager::routing {

// Finds out which content of which site a request asks for. One for each thread, since it keeps
// memory from request to request: what it puts into a decision is valid until the next one.
class RequestReader {
 public:
  // Begins `decision` anew with site, CORS, host, key and URI; or tells the outcome of a request
  // that asks for no content. Host and target of `request` become those at the site: of a whole
  // URI, of
  // "/_s/HOST/path" (who was sent here by another manager asks so), without `strata=explain`.
  std::optional<Outcome> Read(const SitesByHost& sites, Request& request, Decision& decision);

  // An operator wants to know why.
  bool explain() const { return explain_; }

 private:
  Status ReadTarget(const SitesByHost& sites, Request& request);
  Status ReadHost(const SitesByHost& sites, std::string_view host, Decision& decision);
  Status ReadContent(Request& request, Decision& decision);

  bool explain_ = false;
  // Memory.
  std::string canonical_host_;
  std::string absolute_target_;
  std::string target_;
  std::string uri_;
};

}  // namespace strata::manager::routing

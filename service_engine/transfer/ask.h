#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "farm/content_key.h"
#include "farm/site.h"
#include "service_engine/core/miss_decision.h"
#include "service_engine/core/proxy_fields.h"
#include "service_engine/transfer/agent_server.h"
#include "service_engine/transfer/fetch.h"
#include "service_engine/transfer/nginx_connection.h"

namespace strata::engine::transfer {

// What a request of nginx is about: its Strata lines, read and checked.
struct Ask {
  std::shared_ptr<const farm::Site> site;
  std::string canonical_uri;
  farm::ContentKey key;
  std::string origin_target;  // Path and query of the canonical URI.
  bool canonical = false;     // nginx has looked under the canonical URI already.
  MissQuestion question;
  FetchNumber fetch = 0;  // Strata-Fill.
};

// Why a request is answered at once.
struct Refusal {
  int status = 0;  // 0: it is not.
  std::string reason;
};

// Fills `ask`. 404 for a host of no site, 400 for lines that are missing or make no sense.
Refusal ReadAsk(const NginxRequest& request, AgentTable& table, Ask& ask);

// Whether nginx has an old copy of it (Strata-Cached), so that it can do without an answer.
bool HasExpiredCopy(const NginxRequest& request);

// What to fetch for it.
FetchOrder OrderOf(const NginxRequest& request, const Ask& ask, const ProxyIdentity& identity);

}  // namespace strata::engine::transfer

#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>

#include "service_engine/core/http_fields.h"
#include "service_engine/transfer/nginx_connection.h"

namespace strata::engine::transfer {

// An answer that the agent makes itself, with a sentence as its body; nobody keeps it. The reason
// stands in Strata-Reason too. False if the connection is of no use any more.
boost::asio::awaitable<bool> Say(NginxConnection& nginx, const NginxRequest& request, int status,
                                 std::string reason, HttpFields more = {});

// Leads nginx to an internal location.
boost::asio::awaitable<bool> LeadTo(NginxConnection& nginx, std::string_view location,
                                    HttpFields more);

}  // namespace strata::engine::transfer

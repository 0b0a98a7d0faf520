#pragma once

#include "service_manager/rpc/administration_service.h"
#include "service_manager/site_flow/purge_orders.h"

namespace strata::manager::site_flow {

// What AdministrationService::SetTree takes; `orders` outlives it.
rpc::TreePurges TreePurgesOf(PurgeOrders& orders);

}  // namespace strata::manager::site_flow

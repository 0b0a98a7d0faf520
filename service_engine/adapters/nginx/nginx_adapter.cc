#include "service_engine/adapters/nginx/nginx_adapter.h"

#include <memory>
#include <utility>

#include "service_engine/adapters/nginx/managed_nginx.h"

namespace strata::engine {

StatusOr<std::unique_ptr<NginxAdapter>> NginxAdapter::Start(const NginxAdapterOptions& options,
                                                            const std::vector<farm::Site>& sites,
                                                            NginxAdapterCallbacks callbacks,
                                                            MetricRegistry& metrics) {
  auto adapter = std::make_unique<ManagedNginx>(options, std::move(callbacks), metrics);
  STRATA_RETURN_IF_ERROR(adapter->Begin(sites));
  return std::unique_ptr<NginxAdapter>(std::move(adapter));
}

}  // namespace strata::engine

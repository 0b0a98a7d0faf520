#pragma once

#include <grpcpp/server_builder.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/status.h"
#include "common/tls/tls_files.h"
#include "service_manager/rpc/administration_service.h"
#include "service_manager/rpc/mirroring_service.h"
#include "service_manager/rpc/registration_service.h"

namespace strata::manager::rpc {

// The manager's gRPC server: mutual TLS, all services. Owned by the application.
class RpcServer {
 public:
  // Puts another service in: called once, before the server starts. The service must outlive it,
  // and whoever ends the server ends that service's long calls before.
  using AddService = std::function<void(grpc::ServerBuilder&)>;

  // Unavailable, naming the address, if it cannot listen there. Port 0 takes a free one.
  static StatusOr<std::unique_ptr<RpcServer>> Start(const std::string& listen,
                                                    std::shared_ptr<const tls::TlsStore> tls,
                                                    RegistrationService& registration,
                                                    AdministrationService& administration,
                                                    MirroringService& mirroring,
                                                    const std::vector<AddService>& others = {});
  ~RpcServer();  // Ends calls that go on.

  int port() const { return port_; }

 private:
  RpcServer() = default;

  AdministrationService* administration_ = nullptr;
  MirroringService* mirroring_ = nullptr;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace strata::manager::rpc

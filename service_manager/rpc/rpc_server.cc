#include "service_manager/rpc/rpc_server.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/tls/grpc_credentials.h"

namespace strata::manager::rpc {
namespace {

// Site files and lists of URIs are far below.
constexpr int kMessageBytesMax = 8 << 20;
constexpr int kThreadsMax = 256;  // Each stream of a child takes one as long as it lasts.
constexpr std::chrono::seconds kEndWithin(1);

}  // namespace

StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(const std::string& listen,
                                                      std::shared_ptr<const tls::TlsStore> tls,
                                                      RegistrationService& registration,
                                                      AdministrationService& administration,
                                                      MirroringService& mirroring,
                                                      const std::vector<AddService>& others) {
  auto server = std::unique_ptr<RpcServer>(new RpcServer());
  server->administration_ = &administration;
  server->mirroring_ = &mirroring;
  grpc::ServerBuilder builder;
  grpc::ResourceQuota quota("rpc");
  quota.SetMaxThreads(kThreadsMax);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kMessageBytesMax);
  // Else a second manager would listen at the same port without a word.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(listen, tls::MakeServerCredentials(std::move(tls)), &server->port_);
  builder.RegisterService(&registration);
  builder.RegisterService(&administration);
  builder.RegisterService(&mirroring);
  for (const AddService& add : others) add(builder);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || server->port_ == 0) {
    return Unavailable("cannot listen for engines and operators at %s (rpc_listen)",
                       listen.c_str());
  }
  return server;
}

RpcServer::~RpcServer() {
  if (server_ == nullptr) return;
  administration_->Stop();
  mirroring_->Stop();
  // Shutdown itself waits for what goes on, as long as that may take.
  absl::Notification ended;
  std::thread giving_up([&] {
    if (!ended.WaitForNotificationWithTimeout(absl::FromChrono(kEndWithin))) {
      administration_->GiveUp();
    }
  });
  server_->Shutdown(std::chrono::system_clock::now() + kEndWithin);
  ended.Notify();
  giving_up.join();
}

}  // namespace strata::manager::rpc

#include "common/tls/manager_channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/auth_context.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/tls/grpc_credentials.h"

namespace strata::tls {
namespace {

// A manager that was away is to be found when it is back; gRPC's own limit is two minutes.
constexpr int kFirstRetryMs = 100;
constexpr int kLastRetryMs = 500;

}  // namespace

ManagerChannel::ManagerChannel(std::string address, std::shared_ptr<const TlsStore> tls,
                               int message_bytes_max, Duration keepalive)
    : address_(std::move(address)),
      tls_(std::move(tls)),
      message_bytes_max_(message_bytes_max),
      keepalive_(keepalive) {}

const std::shared_ptr<grpc::Channel>& ManagerChannel::Get() {
  std::shared_ptr<const TlsMaterial> now = tls_->Current();
  if (channel_ != nullptr && now == of_) return channel_;
  of_ = std::move(now);
  grpc::ChannelArguments arguments;
  if (message_bytes_max_ > 0) arguments.SetMaxReceiveMessageSize(message_bytes_max_);
  if (keepalive_ > Duration(0)) {
    const auto ms = static_cast<int>(keepalive_ / std::chrono::milliseconds(1));
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, ms);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ms);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // As many as it takes.
  }
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstRetryMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLastRetryMs);
  // Else a failure of another channel to this address would count for this one.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  channel_ = grpc::CreateCustomChannel(address_, MakeChannelCredentials(tls_), arguments);
  return channel_;
}

ManagerChannelMap::ManagerChannelMap(std::shared_ptr<const TlsStore> tls, int message_bytes_max,
                                     Duration keepalive)
    : tls_(std::move(tls)), message_bytes_max_(message_bytes_max), keepalive_(keepalive) {}

ManagerChannel& ManagerChannelMap::To(const std::string& address) {
  return channels_.try_emplace(address, address, tls_, message_bytes_max_, keepalive_)
      .first->second;
}

void ManagerChannelMap::Keep(const std::vector<std::string>& addresses) {
  std::erase_if(channels_, [&addresses](const auto& kept) {
    return std::find(addresses.begin(), addresses.end(), kept.first) == addresses.end();
  });
}

bool WasConnected(const grpc::ClientContext& call) {
  const std::shared_ptr<const grpc::AuthContext> peer = call.auth_context();
  return peer != nullptr && peer->IsPeerAuthenticated();
}

}  // namespace strata::tls

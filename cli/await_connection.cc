#include "cli/await_connection.h"

namespace strata::cli {

Connection AwaitConnection(grpc::Channel& channel, std::chrono::system_clock::time_point deadline) {
  while (true) {
    const grpc_connectivity_state state = channel.GetState(true);
    if (state == GRPC_CHANNEL_READY) return Connection::kReady;
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE) return Connection::kRefused;
    if (!channel.WaitForStateChange(state, deadline)) return Connection::kNeither;
  }
}

}  // namespace strata::cli

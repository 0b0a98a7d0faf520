#pragma once

#include <grpcpp/channel.h>

#include <chrono>

namespace strata::cli {

enum class Connection : uint8_t { kReady, kRefused, kNeither };

// Waits until there is a connection, or clearly none (a call then says at once why), or until the
// deadline.
Connection AwaitConnection(grpc::Channel& channel, std::chrono::system_clock::time_point deadline);

}  // namespace strata::cli

#pragma once

#include <memory>
#include <string>

#include "common/metrics.h"

namespace strata::tls {

// Tells of TLS handshakes that failed at this process's gRPC servers, by a counter and in the log:
// gRPC itself tells nobody but its own debug log, which is read here and silenced otherwise. It
// does not tell at which server: where several managers are in one process, in tests, each counts
// all of them. The registry must outlive it.
class HandshakeWatch {
 public:
  explicit HandshakeWatch(MetricRegistry& metrics);
  ~HandshakeWatch();
  HandshakeWatch(const HandshakeWatch&) = delete;
  HandshakeWatch& operator=(const HandshakeWatch&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What a line of gRPC about a failed handshake means, for people.
std::string ReasonOfHandshake(const std::string& line);

}  // namespace strata::tls

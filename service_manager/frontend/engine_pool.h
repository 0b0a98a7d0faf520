#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <map>
#include <optional>

#include "common/address.h"
#include "common/time.h"

namespace strata::manager::frontend {

// Connections to engines between two requests. One thread.
class EnginePool {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  // One to that engine, if there is one that is still open.
  std::optional<Socket> Take(const Endpoint& engine);
  void Put(const Endpoint& engine, Socket socket, Timestamp now);
  // Closes those that have waited for too long.
  void Sweep(Timestamp now);
  void Clear() { idle_.clear(); }

 private:
  struct Idle {
    Socket socket;
    Timestamp since;
  };

  std::map<Endpoint, std::deque<Idle>> idle_;  // The newest at the back; none is empty.
};

}  // namespace strata::manager::frontend

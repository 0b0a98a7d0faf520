#include "service_manager/frontend/engine_pool.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "service_manager/frontend/limits.h"

namespace strata::manager::frontend {
namespace {

// An engine that closed it, or says what nobody asked for, has made it useless.
bool IsQuiet(EnginePool::Socket& socket) {
  char byte = 0;
  const ssize_t got = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace

std::optional<EnginePool::Socket> EnginePool::Take(const Endpoint& engine) {
  const auto it = idle_.find(engine);
  if (it == idle_.end()) return std::nullopt;
  std::optional<Socket> taken;
  while (!taken && !it->second.empty()) {
    Socket socket = std::move(it->second.back().socket);
    it->second.pop_back();
    if (IsQuiet(socket)) taken = std::move(socket);
  }
  if (it->second.empty()) idle_.erase(it);
  return taken;
}

void EnginePool::Put(const Endpoint& engine, Socket socket, Timestamp now) {
  std::deque<Idle>& idle = idle_[engine];
  idle.push_back({.socket = std::move(socket), .since = now});
  if (idle.size() > kIdleEngineConnectionsMax) idle.pop_front();
}

void EnginePool::Sweep(Timestamp now) {
  for (auto it = idle_.begin(); it != idle_.end();) {
    std::deque<Idle>& idle = it->second;
    while (!idle.empty() && idle.front().since + kIdleEngineTimeout <= now) idle.pop_front();
    it = idle.empty() ? idle_.erase(it) : std::next(it);
  }
}

}  // namespace strata::manager::frontend

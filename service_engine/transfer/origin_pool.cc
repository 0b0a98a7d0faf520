#include "service_engine/transfer/origin_pool.h"

#include <sys/socket.h>

#include <cerrno>
#include <iterator>
#include <utility>

#include "service_engine/transfer/limits.h"
#include "service_engine/transfer/origin_connection.h"

namespace strata::engine::transfer {
namespace {

// Connections are alike if they lead to the same place by the same trust.
std::string KeyOf(const farm::Origin& origin) {
  const char* trust = !origin.tls ? "plain" : origin.verify ? "verified" : "trusted";
  return origin.host + ":" + std::to_string(origin.port) + " " + trust;
}

// Neither closed, nor is there anything that nobody asked for.
bool IsQuiet(OriginConnection& connection) {
  char byte = 0;
  const int fd = connection.tcp().socket().native_handle();
  return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace

OriginPool::OriginPool(Gauge& level) : level_(level) {}
OriginPool::~OriginPool() = default;

std::unique_ptr<OriginConnection> OriginPool::Take(const farm::Origin& origin, SteadyTime now) {
  absl::MutexLock lock(&mu_);
  const auto found = idle_.find(KeyOf(origin));
  if (found == idle_.end()) return nullptr;
  std::unique_ptr<OriginConnection> taken;
  std::vector<Idle>& idle = found->second;
  while (taken == nullptr && !idle.empty()) {
    Idle last = std::move(idle.back());
    idle.pop_back();
    --count_;
    const bool fresh =
        now < last.since + kOriginIdle && now < last.connection->made() + kOriginConnectionAge;
    if (fresh && IsQuiet(*last.connection)) taken = std::move(last.connection);
  }
  if (idle.empty()) idle_.erase(found);
  Count();
  return taken;
}

void OriginPool::Keep(const farm::Origin& origin, std::unique_ptr<OriginConnection> connection,
                      SteadyTime now) {
  if (now >= connection->made() + kOriginConnectionAge) return;
  absl::MutexLock lock(&mu_);
  if (count_ >= kOriginIdleMax) return;
  std::vector<Idle>& idle = idle_[KeyOf(origin)];
  if (idle.size() >= kOriginIdleEachMax) return;
  idle.push_back({std::move(connection), now});
  ++count_;
  Count();
}

void OriginPool::CloseIdle(SteadyTime now) {
  absl::MutexLock lock(&mu_);
  for (auto it = idle_.begin(); it != idle_.end();) {
    count_ -= std::erase_if(it->second,
                            [now](const Idle& one) { return now >= one.since + kOriginIdle; });
    const auto here = it++;
    if (here->second.empty()) idle_.erase(here);
  }
  Count();
}

void OriginPool::Clear() {
  absl::MutexLock lock(&mu_);
  idle_.clear();
  count_ = 0;
  Count();
}

void OriginPool::Count() { level_.Set(static_cast<double>(count_)); }

OriginPool::Session OriginPool::SessionOf(const farm::Origin& origin) const {
  absl::MutexLock lock(&mu_);
  const auto found = sessions_.find(KeyOf(origin));
  return found == sessions_.end() ? nullptr : found->second;
}

void OriginPool::Remember(const farm::Origin& origin, Session session) {
  absl::MutexLock lock(&mu_);
  if (sessions_.size() >= kOriginSessionsMax) sessions_.clear();
  sessions_[KeyOf(origin)] = std::move(session);
}

}  // namespace strata::engine::transfer

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "common/status.h"
#include "common/system_random.h"
#include "multicast/driver/socket_set.h"
#include "multicast/tools/probe_session.h"
#include "multicast/wire/seal.h"

namespace strata::multicast {

struct ProberOptions {
  SocketSettings sockets;
  GroupId group{};
  MemberId self{};  // An id that no member has.
  std::vector<Endpoint> seeds;
  int count = 20;
  Duration interval{};
  Duration patience{};  // For the last answers.
};

// Runs a ProbeSession over sockets: an observer of the group that never joins it. The keys must
// outlive it.
class Prober {
 public:
  static StatusOr<std::unique_ptr<Prober>> Open(const ProberOptions& options, const KeyRing& keys);

  // All rounds, and the wait for the last answers; ends early when `stop` says so.
  void Run(const std::function<bool()>& stop);

  const std::map<MemberId, ProbedMember>& members() const { return session_->members(); }
  const std::map<std::string_view, uint64_t>& rejected() const { return rejected_; }
  size_t mtu() const { return mtu_; }
  const Endpoint& own() const { return sockets_->unicast(); }

 private:
  Prober(const ProberOptions& options, const KeyRing& keys);

  void Send(const ProbeSession::Outgoing& outgoing);
  void Listen(Timestamp until, const std::function<bool()>& stop);
  void Drain(Channel channel);

  const ProberOptions options_;
  DriverCounters counters_;
  SystemRandom random_;
  Sealer sealer_;
  Opener opener_;
  std::unique_ptr<SocketSet> sockets_;
  std::unique_ptr<ProbeSession> session_;
  Incarnation incarnation_;
  size_t mtu_ = 0;
  Bytes datagram_;
  std::map<std::string_view, uint64_t> rejected_;
};

}  // namespace strata::multicast

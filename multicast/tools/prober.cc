#include "multicast/tools/prober.h"

#include <poll.h>

#include <algorithm>
#include <array>

#include "multicast/driver/clock.h"
#include "multicast/tools/open_reason.h"

namespace strata::multicast {
namespace {

constexpr std::array kHeard = {Channel::kData, Channel::kUnicast};

}  // namespace

Prober::Prober(const ProberOptions& options, const KeyRing& keys)
    : options_(options), sealer_(options.group, keys), opener_(options.group, options.self, keys) {
  for (uint8_t& byte : incarnation_.bytes) byte = static_cast<uint8_t>(random_.Next());
}

StatusOr<std::unique_ptr<Prober>> Prober::Open(const ProberOptions& options, const KeyRing& keys) {
  std::unique_ptr<Prober> prober(new Prober(options, keys));
  STRATA_ASSIGN_OR_RETURN(prober->sockets_, SocketSet::Open(options.sockets, prober->counters_));
  const SocketSet& sockets = *prober->sockets_;
  prober->mtu_ = std::min<size_t>(sockets.interface().mtu, kMaxMtu);
  const size_t ip = sockets.unicast().ip.IsV4() ? kIpv4UdpHeaderBytes : kIpv6UdpHeaderBytes;
  const size_t around = ip + kHeaderBytes + prober->sealer_.overhead();
  if (prober->mtu_ < kMinMtu) {
    return FailedPrecondition("%s has an MTU of %zu; the protocol needs %u",
                              options.sockets.interface.c_str(), prober->mtu_, kMinMtu);
  }
  prober->session_ = std::make_unique<ProbeSession>(prober->mtu_ - around, prober->random_);
  for (const Endpoint& seed : options.seeds) prober->session_->AddSeed(seed);
  return prober;
}

void Prober::Run(const std::function<bool()>& stop) {
  Timestamp next = Now();
  for (int round = 0; round < options_.count && !stop(); ++round) {
    const auto probes = session_->StartRound();
    // One after the other, so that answers do not wait for each other.
    const Duration gap = options_.interval * 4 / 5 / static_cast<int64_t>(probes.size());
    Timestamp turn = next;
    for (const ProbeSession::Outgoing& outgoing : probes) {
      session_->OnSent(outgoing.probe, Now());
      Send(outgoing);
      turn += gap;
      Listen(turn, stop);
    }
    next += options_.interval;
    Listen(next, stop);
  }
  Listen(Now() + options_.patience, stop);
}

void Prober::Send(const ProbeSession::Outgoing& outgoing) {
  Header header;
  header.type = static_cast<uint8_t>(PacketType::kProbe);
  header.sender = options_.self;
  header.group = options_.group;
  header.incarnation = incarnation_;
  datagram_.assign(mtu_, 0);
  const std::span<uint8_t> all(datagram_);
  Encode(header, all.first<kHeaderBytes>());
  ByteWriter body(all.subspan(kHeaderBytes));
  Encode(outgoing.probe, body);
  datagram_.resize(kHeaderBytes + body.size() + sealer_.overhead());
  sealer_.Seal(datagram_);
  if (outgoing.multicast) {
    sockets_->SendToGroup(datagram_);
  } else {
    sockets_->SendTo(outgoing.to, datagram_);
  }
  sockets_->Flush();
}

void Prober::Listen(Timestamp until, const std::function<bool()>& stop) {
  std::array<pollfd, kHeard.size()> fds{};
  for (size_t i = 0; i < kHeard.size(); ++i) {
    fds[i] = {.fd = sockets_->fd(kHeard[i]), .events = POLLIN, .revents = 0};
  }
  for (Timestamp now = Now(); now < until && !stop(); now = Now()) {
    const timespec wait = ToTimespec(until - now);
    ppoll(fds.data(), fds.size(), &wait, nullptr);
    for (const Channel channel : kHeard) Drain(channel);
  }
}

void Prober::Drain(Channel channel) {
  bool drained = false;
  while (!drained) {
    const DatagramReceiver::Result result = sockets_->Receive(channel);
    drained = result.drained || result.datagrams.empty();
    const Timestamp now = Now();
    for (const IncomingDatagram& datagram : result.datagrams) {
      const auto opened = opener_.Open(datagram.bytes);
      if (const auto* packet = std::get_if<Opener::Opened>(&opened)) {
        session_->OnPacket(packet->header, packet->body, datagram.from, channel == Channel::kData,
                           now);
        continue;
      }
      // Multicast of one's own comes back; that is no news.
      const OpenError error = std::get<OpenError>(opened);
      if (error == OpenError::kOwnPacket && datagram.from == own()) continue;
      ++rejected_[ReasonOf(error)];
    }
  }
}

}  // namespace strata::multicast

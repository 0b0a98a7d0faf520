#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "common/address.h"
#include "common/status.h"
#include "common/unique_fd.h"
#include "multicast/driver/counters.h"
#include "multicast/driver/datagram_receiver.h"
#include "multicast/driver/datagram_sender.h"
#include "multicast/driver/link_watch.h"
#include "multicast/driver/network_interface.h"

namespace strata::multicast {

struct SocketSettings {
  std::string interface;      // By name.
  IpAddress group;            // A multicast address.
  uint16_t port = 0;          // Data; acknowledgements come on the next one.
  IpAddress address;          // Own; 0.0.0.0: the interface's preferred one of the group's family.
  uint16_t unicast_port = 0;  // 0: any.
  int ttl = 1;
  bool loopback = false;  // Let other members on this machine hear this one.
  uint32_t receive_buffer_bytes = uint32_t{8} << 20;  // Of each socket.
  uint32_t send_buffer_bytes = uint32_t{4} << 20;
  bool segmentation = true;  // Send trains (UDP_SEGMENT).
  bool coalescing = true;    // Receive trains (UDP_GRO).
};

enum class Channel : uint8_t { kData = 0, kAcks = 1, kUnicast = 2 };
inline constexpr size_t kChannels = 3;

// The three UDP sockets of a member (docs/protocols/multicast.md, section 2), its membership in
// the group, and the sending of everything from the unicast socket. Owned by the driver; one
// thread; never waits, but for a send buffer without room. Endpoints that come out carry no
// interface; link-local ones that go in without get this one.
class SocketSet {
 public:
  static StatusOr<std::unique_ptr<SocketSet>> Open(const SocketSettings& settings,
                                                   DriverCounters& counters);
  SocketSet(const SocketSet&) = delete;
  SocketSet& operator=(const SocketSet&) = delete;

  // ---- Receiving. At most kReceiveSlots messages, by one system call.
  DatagramReceiver::Result Receive(Channel channel);

  // ---- Sending: queued by these, sent by Flush. Datagrams must stay until then.
  void SendToGroup(ByteSpan datagram) { sender_.Add(data_to_, datagram); }
  void SendToAcks(ByteSpan datagram) { sender_.Add(acks_to_, datagram); }
  void SendTo(const Endpoint& to, ByteSpan datagram);
  void Flush() { sender_.Flush(); }

  // ---- The interface. Call OnLinkEvent when link_fd() is readable: renews the membership if the
  // interface came up.
  int link_fd() const { return link_.fd(); }
  void OnLinkEvent();
  // Leaves the group and joins it anew.
  Status RenewMembership();

  // ---- To look at.
  int fd(Channel channel) const { return sockets_[static_cast<size_t>(channel)].get(); }
  const Endpoint& unicast() const { return unicast_; }  // What others reach this member by.
  const NetworkInterface& interface() const { return interface_; }
  bool segmentation() const { return sender_.segmentation(); }
  uint32_t receive_buffer_bytes() const;  // As granted.

 private:
  using Sockets = std::array<UniqueFd, kChannels>;
  SocketSet(const SocketSettings& settings, NetworkInterface interface, Sockets sockets,
            const Endpoint& unicast, DriverCounters& counters);

  const SocketSettings settings_;
  NetworkInterface interface_;
  DriverCounters& counters_;
  Sockets sockets_;
  Endpoint unicast_;
  Endpoint data_to_;
  Endpoint acks_to_;
  std::array<uint32_t, kChannels> drops_seen_{};
  DatagramReceiver receiver_;
  DatagramSender sender_;
  LinkWatch link_;
};

}  // namespace strata::multicast

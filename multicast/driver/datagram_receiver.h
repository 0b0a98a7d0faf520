#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/address.h"
#include "multicast/driver/counters.h"
#include "multicast/driver/limits.h"

namespace strata::multicast {

// A datagram as the kernel handed it over. Endpoint::interface is always 0.
struct IncomingDatagram {
  std::span<uint8_t> bytes;  // To be changed at will.
  Endpoint from;
};

// Receives many datagrams by one system call, and takes trains (UDP_GRO) apart. Owns the buffers;
// allocates nothing after construction. One thread.
class DatagramReceiver {
 public:
  explicit DatagramReceiver(DriverCounters& counters);
  DatagramReceiver(const DatagramReceiver&) = delete;
  DatagramReceiver& operator=(const DatagramReceiver&) = delete;

  struct Result {
    std::span<const IncomingDatagram> datagrams;  // Valid until the next Receive.
    bool drained = false;                         // The socket was empty at the end.
  };
  // What there is, at most kReceiveSlots messages. Never waits. `drops_seen` is the socket's last
  // count of drops; what came on top is added to `drops`.
  Result Receive(int fd, DriverCounter drops, uint32_t& drops_seen);

 private:
  static constexpr size_t kControlBytes = 64;

  void Prepare(size_t slot);
  void Take(size_t slot, DriverCounter drops, uint32_t& drops_seen);
  void Split(std::span<uint8_t> train, size_t segment, const Endpoint& from);

  DriverCounters& counters_;
  std::unique_ptr<uint8_t[]> memory_;  // kReceiveSlots times kReceiveSlotBytes.
  std::array<mmsghdr, kReceiveSlots> headers_{};
  std::array<iovec, kReceiveSlots> vectors_{};
  std::array<sockaddr_storage, kReceiveSlots> names_{};
  struct alignas(cmsghdr) Control {
    std::array<uint8_t, kControlBytes> bytes;
  };
  std::array<Control, kReceiveSlots> controls_{};
  size_t used_ = kReceiveSlots;  // Slots that the last call wrote to.
  std::vector<IncomingDatagram> datagrams_;
};

}  // namespace strata::multicast

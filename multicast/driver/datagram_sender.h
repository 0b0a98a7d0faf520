#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "common/address.h"
#include "common/bytes.h"
#include "common/time.h"
#include "multicast/driver/counters.h"
#include "multicast/driver/limits.h"

namespace strata::multicast {

// Sends many datagrams by one system call. Consecutive datagrams to one destination, all of one
// length (the last may be shorter), leave as one train (UDP_SEGMENT) that the kernel or the card
// takes apart; where that is refused, one by one from then on. Owns its lists, not the datagrams;
// allocates nothing once the lists have grown. One thread.
class DatagramSender {
 public:
  DatagramSender(int fd, bool segmentation, DriverCounters& counters);
  DatagramSender(const DatagramSender&) = delete;
  DatagramSender& operator=(const DatagramSender&) = delete;

  // Queues. The datagram must stay until the next Flush has returned. Empty ones are ignored.
  void Add(const Endpoint& to, ByteSpan datagram);
  // Sends what is queued, in order. Waits at most kSendWait for room; what has none then is
  // counted and forgotten, as the network itself might have done.
  void Flush();

  bool segmentation() const { return segmentation_; }
  bool empty() const { return vectors_.empty(); }

 private:
  struct Destination {
    Endpoint endpoint;
    sockaddr_in6 address{};  // Or a sockaddr_in.
    socklen_t size = 0;
  };
  struct alignas(cmsghdr) Control {
    std::array<uint8_t, CMSG_SPACE(sizeof(uint16_t))> bytes{};
  };

  size_t TrainLength(size_t first) const;
  void BuildMessages();
  void SendMessages();
  bool HandleError(size_t& at, int error, Timestamp& give_up);
  void SendOneByOne(const msghdr& train);
  bool WaitForRoom(Timestamp& give_up);
  void CountSent(const msghdr& message);
  void CountFailed(const msghdr& message, DriverCounter reason);

  const int fd_;
  bool segmentation_;
  DriverCounters& counters_;

  // The queue: vectors_[i] goes to destinations_[to_[i]].
  std::vector<iovec> vectors_;
  std::vector<uint32_t> to_;
  std::vector<Destination> destinations_;

  // The messages of one flush; a train is one message.
  std::vector<mmsghdr> messages_;
  std::vector<Control> controls_;
};

}  // namespace strata::multicast

#include "multicast/driver/datagram_receiver.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include <algorithm>
#include <optional>

#include "common/sockaddr.h"

namespace strata::multicast {

DatagramReceiver::DatagramReceiver(DriverCounters& counters)
    : counters_(counters), memory_(new uint8_t[kReceiveSlots * kReceiveSlotBytes]) {
  datagrams_.reserve(kReceiveSlots * kMaxTrainDatagrams);
}

void DatagramReceiver::Prepare(size_t slot) {
  vectors_[slot] = {.iov_base = memory_.get() + slot * kReceiveSlotBytes,
                    .iov_len = kReceiveSlotBytes};
  msghdr& message = headers_[slot].msg_hdr;
  message.msg_name = &names_[slot];
  message.msg_namelen = sizeof(names_[slot]);
  message.msg_iov = &vectors_[slot];
  message.msg_iovlen = 1;
  message.msg_control = controls_[slot].bytes.data();
  message.msg_controllen = kControlBytes;
  message.msg_flags = 0;
}

DatagramReceiver::Result DatagramReceiver::Receive(int fd, DriverCounter drops,
                                                   uint32_t& drops_seen) {
  for (size_t i = 0; i < used_; ++i) Prepare(i);
  used_ = 0;
  datagrams_.clear();
  int n = 0;
  do {
    counters_.Add(DriverCounter::kReceiveCalls);
    n = recvmmsg(fd, headers_.data(), kReceiveSlots, MSG_DONTWAIT, nullptr);
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    // Whatever was wrong with the socket (an error queued by an earlier send, say) is now cleared.
    bool empty = errno == EAGAIN || errno == EWOULDBLOCK;
    counters_.Add(empty ? DriverCounter::kReceivesEmpty : DriverCounter::kReceiveErrors);
    used_ = kReceiveSlots;
    return {.datagrams = {}, .drained = empty};
  }
  used_ = static_cast<size_t>(n);
  for (size_t i = 0; i < used_; ++i) Take(i, drops, drops_seen);
  counters_.Add(DriverCounter::kReceived, datagrams_.size());
  return {.datagrams = datagrams_, .drained = used_ < kReceiveSlots};
}

void DatagramReceiver::Take(size_t slot, DriverCounter drops, uint32_t& drops_seen) {
  msghdr& message = headers_[slot].msg_hdr;
  size_t length = headers_[slot].msg_len;
  size_t segment = length;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
      uint32_t count = 0;
      memcpy(&count, CMSG_DATA(c), sizeof(count));
      counters_.Add(drops, count - drops_seen);  // Wraps as the kernel's does.
      drops_seen = count;
    } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
      int size = 0;
      memcpy(&size, CMSG_DATA(c), sizeof(size));
      if (size > 0) segment = static_cast<size_t>(size);
    }
  }
  std::optional<Endpoint> from =
      ToEndpoint(reinterpret_cast<const sockaddr*>(&names_[slot]), message.msg_namelen);
  if (!from || (message.msg_flags & MSG_TRUNC) != 0) {
    counters_.Add(DriverCounter::kReceivedTruncated);
    return;
  }
  from->interface = 0;
  counters_.Add(DriverCounter::kReceivedBytes, length);
  std::span<uint8_t> bytes(memory_.get() + slot * kReceiveSlotBytes, length);
  if (segment >= length) {
    datagrams_.push_back({.bytes = bytes, .from = *from});
  } else {
    Split(bytes, segment, *from);
  }
}

void DatagramReceiver::Split(std::span<uint8_t> train, size_t segment, const Endpoint& from) {
  while (!train.empty()) {
    size_t n = std::min(segment, train.size());
    datagrams_.push_back({.bytes = train.first(n), .from = from});
    counters_.Add(DriverCounter::kReceivedCoalesced);
    train = train.subspan(n);
  }
}

}  // namespace strata::multicast

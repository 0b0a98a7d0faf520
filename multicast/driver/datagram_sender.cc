#include "multicast/driver/datagram_sender.h"

#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>

#include "common/check.h"
#include "common/sockaddr.h"
#include "multicast/driver/clock.h"

namespace strata::multicast {

DatagramSender::DatagramSender(int fd, bool segmentation, DriverCounters& counters)
    : fd_(fd), segmentation_(segmentation), counters_(counters) {
  vectors_.reserve(kSendQueueDatagrams);
  to_.reserve(kSendQueueDatagrams);
  destinations_.reserve(kSendQueueDatagrams);
  messages_.reserve(kSendQueueDatagrams);
  controls_.reserve(kSendQueueDatagrams);
}

void DatagramSender::Add(const Endpoint& to, ByteSpan datagram) {
  if (datagram.empty()) return;
  if (vectors_.size() == kSendQueueDatagrams) Flush();
  if (destinations_.empty() || destinations_.back().endpoint != to) {
    SocketAddress address = ToSocketAddress(to);
    Destination& added = destinations_.emplace_back();
    STRATA_CHECK(address.size <= sizeof(added.address));
    added.endpoint = to;
    added.size = address.size;
    memcpy(&added.address, address.get(), address.size);
  }
  // The kernel only reads; iovec knows no const.
  vectors_.push_back(
      {.iov_base = const_cast<uint8_t*>(datagram.data()), .iov_len = datagram.size()});
  to_.push_back(static_cast<uint32_t>(destinations_.size() - 1));
}

void DatagramSender::Flush() {
  if (vectors_.empty()) return;
  BuildMessages();
  SendMessages();
  vectors_.clear();
  to_.clear();
  destinations_.clear();
}

size_t DatagramSender::TrainLength(size_t first) const {
  if (!segmentation_) return 1;
  const size_t segment = vectors_[first].iov_len;
  size_t bytes = segment;
  size_t n = 1;
  while (first + n < vectors_.size() && n < kMaxSegments && to_[first + n] == to_[first]) {
    size_t next = vectors_[first + n].iov_len;
    if (next > segment || bytes + next > kMaxSegmentedBytes) break;
    bytes += next;
    ++n;
    if (next < segment) break;  // Only the last may be shorter.
  }
  return n;
}

void DatagramSender::BuildMessages() {
  messages_.clear();
  controls_.clear();
  for (size_t at = 0; at < vectors_.size();) {
    size_t n = TrainLength(at);
    msghdr& message = messages_.emplace_back(mmsghdr{}).msg_hdr;
    Destination& destination = destinations_[to_[at]];
    message.msg_name = &destination.address;
    message.msg_namelen = destination.size;
    message.msg_iov = &vectors_[at];
    message.msg_iovlen = n;
    if (n > 1) {
      STRATA_CHECK(controls_.size() < kSendQueueDatagrams);  // Pointers into it must last.
      Control& control = controls_.emplace_back();
      message.msg_control = control.bytes.data();
      message.msg_controllen = control.bytes.size();
      cmsghdr* c = CMSG_FIRSTHDR(&message);
      c->cmsg_level = IPPROTO_UDP;
      c->cmsg_type = UDP_SEGMENT;
      c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
      uint16_t segment = static_cast<uint16_t>(vectors_[at].iov_len);
      memcpy(CMSG_DATA(c), &segment, sizeof(segment));
    }
    at += n;
  }
}

void DatagramSender::SendMessages() {
  Timestamp give_up = Timestamp::Never();  // Until the first wait.
  size_t at = 0;
  while (at < messages_.size()) {
    counters_.Add(DriverCounter::kSendCalls);
    int n = 0;
    if (messages_.size() - at == 1) {
      n = sendmsg(fd_, &messages_[at].msg_hdr, MSG_DONTWAIT) < 0 ? -1 : 1;
    } else {
      n = sendmmsg(fd_, &messages_[at], static_cast<unsigned>(messages_.size() - at), MSG_DONTWAIT);
    }
    for (int i = 0; i < n; ++i) CountSent(messages_[at++].msg_hdr);
    if (n <= 0 && !HandleError(at, n < 0 ? errno : EIO, give_up)) break;
  }
  for (; at < messages_.size(); ++at) {
    CountFailed(messages_[at].msg_hdr, DriverCounter::kSendsDropped);
  }
}

// What to do about messages_[at]; steps over it if there is no hope for it. False: stop sending.
bool DatagramSender::HandleError(size_t& at, int error, Timestamp& give_up) {
  const msghdr& message = messages_[at].msg_hdr;
  switch (error) {
    case EINTR:
      return true;
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
      return WaitForRoom(give_up);
    default:
      break;
  }
  if (message.msg_iovlen > 1) {
    SendOneByOne(message);
  } else {
    CountFailed(message,
                error == EMSGSIZE ? DriverCounter::kSendsTooBig : DriverCounter::kSendErrors);
  }
  ++at;
  return true;
}

// The kernel refused a train. If it takes its datagrams one by one, it was the train it did not
// like, and we build no more of them: no segmentation in the path (IPsec, an old driver).
void DatagramSender::SendOneByOne(const msghdr& train) {
  counters_.Add(DriverCounter::kSegmentationRefused);
  bool all = true;
  for (size_t i = 0; i < train.msg_iovlen; ++i) {
    msghdr single = train;
    single.msg_iov = train.msg_iov + i;
    single.msg_iovlen = 1;
    single.msg_control = nullptr;
    single.msg_controllen = 0;
    counters_.Add(DriverCounter::kSendCalls);
    if (sendmsg(fd_, &single, MSG_DONTWAIT) >= 0) {
      CountSent(single);
      continue;
    }
    all = false;
    CountFailed(single,
                errno == EMSGSIZE ? DriverCounter::kSendsTooBig : DriverCounter::kSendErrors);
  }
  if (all) segmentation_ = false;
}

bool DatagramSender::WaitForRoom(Timestamp& give_up) {
  Timestamp now = Now();
  if (give_up == Timestamp::Never()) give_up = now + kSendWait;
  if (now >= give_up) return false;
  counters_.Add(DriverCounter::kSendWaits);
  pollfd wait = {.fd = fd_, .events = POLLOUT, .revents = 0};
  timespec timeout = ToTimespec(give_up - now);
  return ppoll(&wait, 1, &timeout, nullptr) > 0;
}

void DatagramSender::CountSent(const msghdr& message) {
  counters_.Add(DriverCounter::kSent, message.msg_iovlen);
  if (message.msg_iovlen > 1) counters_.Add(DriverCounter::kSentSegmented, message.msg_iovlen);
  size_t bytes = 0;
  for (size_t i = 0; i < message.msg_iovlen; ++i) bytes += message.msg_iov[i].iov_len;
  counters_.Add(DriverCounter::kSentBytes, bytes);
}

void DatagramSender::CountFailed(const msghdr& message, DriverCounter reason) {
  counters_.Add(reason, message.msg_iovlen);
}

}  // namespace strata::multicast

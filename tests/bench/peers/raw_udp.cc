// UDP multicast and nothing else: what this machine can move, with no promise that it arrives.
//
//   raw_udp send SIZE COUNT SEGMENTS     SEGMENTS messages in one system call (UDP_SEGMENT)
//   raw_udp recv SIZE COUNT
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <vector>

#include "tests/bench/peers/line_protocol.h"
#include "tests/bench/peers/multicast_socket.h"

namespace strata::bench {
namespace {

constexpr uint16_t kPort = 5560;
constexpr uint64_t kEnd = UINT64_MAX;  // The number of the messages that say: no more.
constexpr int kEnds = 20;
constexpr useconds_t kEndPauseUs = 5000;
constexpr size_t kTrainMaxBytes = 65507;
constexpr size_t kSlots = 32;
constexpr size_t kSlotBytes = 65536;
constexpr int kStartMs = 60000;
constexpr int kSilenceMs = 3000;

void SendTrain(int fd, const std::vector<char>& bytes, size_t size) {
  while (send(fd, bytes.data(), size, 0) < 0) {
    if (errno != ENOBUFS && errno != EAGAIN) Fail("send");
    usleep(50);
  }
}

void Send(size_t size, uint64_t count, size_t segments) {
  const int fd = OpenSender();
  const sockaddr_in to = GroupAddress(kPort);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) Fail("connect");
  const int segment = static_cast<int>(size);
  if (setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0) Fail("UDP_SEGMENT");
  segments = std::clamp<size_t>(segments, 1, kTrainMaxBytes / size);
  std::vector<char> train(segments * size);
  PrintGo();
  const int64_t started = NowNs();
  for (uint64_t number = 0; number < count;) {
    size_t n = 0;
    for (; n < segments && number < count; ++n, ++number) {
      WriteNumber(&train[n * size], number);
    }
    SendTrain(fd, train, n * size);
  }
  const int64_t sent = NowNs();
  WriteNumber(train.data(), kEnd);
  for (int i = 0; i < kEnds; ++i) {
    usleep(kEndPauseUs);
    SendTrain(fd, train, size);
  }
  PrintSent(started, sent);
}

class Receiver {
 public:
  explicit Receiver(size_t size) : size_(size), memory_(kSlots * kSlotBytes) {
    const int on = 1;
    setsockopt(fd_, SOL_UDP, UDP_GRO, &on, sizeof on);
    for (size_t i = 0; i < kSlots; ++i) {
      pieces_[i] = {&memory_[i * kSlotBytes], kSlotBytes};
      slots_[i].msg_hdr.msg_iov = &pieces_[i];
      slots_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  void Run(uint64_t count) {
    PrintReady();
    while (!ended_ && report_.messages() < count) {
      pollfd wait = {fd_, POLLIN, 0};
      if (poll(&wait, 1, report_.messages() == 0 ? kStartMs : kSilenceMs) <= 0) break;
      Take();
    }
    report_.Print(count);
  }

 private:
  void Take() {
    const int n = recvmmsg(fd_, slots_.data(), slots_.size(), MSG_DONTWAIT, nullptr);
    for (int i = 0; i < n; ++i) {
      const auto slot = static_cast<size_t>(i);
      for (size_t at = 0; at + size_ <= slots_[slot].msg_len; at += size_) {
        OnMessage(&memory_[slot * kSlotBytes + at]);
      }
    }
  }
  void OnMessage(const char* message) {
    if (ReadNumber(message) == kEnd) {
      ended_ = true;
    } else {
      report_.OnMessage(message, size_);
    }
  }

  const size_t size_;
  int fd_ = OpenMember(kPort);
  std::vector<char> memory_;
  std::array<iovec, kSlots> pieces_ = {};
  std::array<mmsghdr, kSlots> slots_ = {};
  ReceiverReport report_;
  bool ended_ = false;
};

int Run(const std::vector<std::string_view>& words) {
  if (words.size() == 4 && words[0] == "send") {
    Send(ParseNumber(words[1]), ParseNumber(words[2]), ParseNumber(words[3]));
  } else if (words.size() == 3 && words[0] == "recv") {
    Receiver(ParseNumber(words[1])).Run(ParseNumber(words[2]));
  } else {
    std::fprintf(stderr, "raw_udp send SIZE COUNT SEGMENTS | raw_udp recv SIZE COUNT\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) {
  strata::bench::DieWithParent();
  return strata::bench::Run({argv + 1, argv + argc});
}

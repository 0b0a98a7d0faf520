// What three hops cost without any reliability: data to the group, everybody's ACK to the group,
// and the SM's closing ACK, for which the sender waits. The floor of a commit's latency.
//
//   floor send N COUNT member|sender
//   floor recv INDEX N COUNT member|sender eager|lazy
//
// The last word but one says who the SM is: receiver 1, or the sender. Eager members wake for
// every ACK; lazy ones take ACKs from their sockets when data comes.
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include "tests/bench/peers/line_protocol.h"
#include "tests/bench/peers/multicast_socket.h"

namespace strata::bench {
namespace {

constexpr uint16_t kDataPort = 5555;
constexpr uint16_t kAckPort = 5556;
constexpr uint16_t kCommitPort = 5557;

struct Sockets {
  int out = OpenSender();
  int acks = OpenMember(kAckPort);
  int commits = OpenMember(kCommitPort);
  sockaddr_in to_data = GroupAddress(kDataPort);
  sockaddr_in to_acks = GroupAddress(kAckPort);
  sockaddr_in to_commits = GroupAddress(kCommitPort);
};

uint64_t ReceiveNumber(int socket) {
  std::array<char, kNumberBytes> bytes = {};
  if (recv(socket, bytes.data(), bytes.size(), 0) < 0) Fail("recv");
  return ReadNumber(bytes.data());
}

void AwaitCommit(const Sockets& sockets, uint64_t number) {
  while (ReceiveNumber(sockets.commits) != number) {
  }
  Drain(sockets.acks);
}

void AwaitAcks(const Sockets& sockets, uint64_t number, uint64_t members) {
  for (uint64_t acks = 0; acks < members;) {
    if (ReceiveNumber(sockets.acks) == number) ++acks;
  }
  SendTo(sockets.out, sockets.to_commits, &number, sizeof number);
}

void Send(uint64_t members, uint64_t count, bool is_sm) {
  Sockets sockets;
  std::array<char, kLatencyMessageBytes> message = {};
  std::vector<int64_t> latencies;
  latencies.reserve(count);
  PrintGo();
  const int64_t started = NowNs();
  for (uint64_t i = 0; i < count; ++i) {
    WriteNumber(message.data(), i);
    const int64_t sent = NowNs();
    SendTo(sockets.out, sockets.to_data, message.data(), message.size());
    if (is_sm) {
      AwaitAcks(sockets, i, members);
    } else {
      AwaitCommit(sockets, i);
    }
    latencies.push_back(NowNs() - sent);
  }
  PrintLatencies(std::move(latencies), started);
  PrintSent(started, NowNs());
}

class Receiver {
 public:
  Receiver(uint64_t others, uint64_t count, bool is_sm, bool lazy)
      : others_(others), count_(count), is_sm_(is_sm), lazy_(lazy), acks_(count), held_(count) {}

  void Run() {
    PrintReady();
    while (is_sm_ ? committed_ < count_ : report_.messages() < count_) Turn();
    report_.Print(count_);
  }

 private:
  void Turn() {
    std::array<pollfd, 3> waits = {pollfd{data_, POLLIN, 0}, pollfd{sockets_.acks, POLLIN, 0},
                                   pollfd{sockets_.commits, POLLIN, 0}};
    poll(waits.data(), is_sm_ || !lazy_ ? waits.size() : 1, kNoTimeout);
    TakeData();
    if (is_sm_) {
      TakeAcks();
    } else {
      Drain(sockets_.acks);
    }
    Drain(sockets_.commits);
  }

  void TakeData() {
    std::array<char, kLatencyMessageBytes> message;
    while (recv(data_, message.data(), message.size(), MSG_DONTWAIT) > 0) {
      report_.OnMessage(message.data(), message.size());
      const uint64_t number = ReadNumber(message.data());
      if (is_sm_) {
        held_[number] = true;
      } else {
        SendTo(sockets_.out, sockets_.to_acks, &number, sizeof number);
      }
    }
  }

  void TakeAcks() {
    std::array<char, kNumberBytes> bytes;
    while (recv(sockets_.acks, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
      ++acks_[ReadNumber(bytes.data())];
    }
    while (committed_ < count_ && held_[committed_] && acks_[committed_] == others_) {
      SendTo(sockets_.out, sockets_.to_commits, &committed_, sizeof committed_);
      ++committed_;
    }
  }

  const uint64_t others_;
  const uint64_t count_;
  const bool is_sm_;
  const bool lazy_;
  Sockets sockets_;
  int data_ = OpenMember(kDataPort);
  ReceiverReport report_;
  uint64_t committed_ = 0;
  std::vector<uint64_t> acks_;
  std::vector<bool> held_;
};

int Run(const std::vector<std::string_view>& words) {
  if (words.size() == 4 && words[0] == "send") {
    Send(ParseNumber(words[1]), ParseNumber(words[2]), words[3] == "sender");
  } else if (words.size() == 6 && words[0] == "recv") {
    const bool is_sm = words[1] == "1" && words[4] == "member";
    Receiver(ParseNumber(words[2]) - 1, ParseNumber(words[3]), is_sm, words[5] == "lazy").Run();
  } else {
    std::fprintf(stderr, "floor send N COUNT SM | floor recv INDEX N COUNT SM eager|lazy\n");
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

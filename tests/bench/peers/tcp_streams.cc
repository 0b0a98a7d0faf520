// What one does without multicast: a TCP stream to each receiver.
//
//   tcp_streams send SIZE COUNT ADDRESS...     SIZE bytes at a time, as fast as they go
//   tcp_streams recv SIZE COUNT
//   tcp_streams lsend COUNT ADDRESS...         200 bytes, then wait for everybody's echo
//   tcp_streams lrecv COUNT
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/peers/line_protocol.h"
#include "tests/bench/peers/multicast_socket.h"

namespace strata::bench {
namespace {

constexpr uint16_t kPort = 7777;
constexpr size_t kBatchBytes = 65536;  // Small messages are written in batches of this.

using Words = std::vector<std::string_view>;

// The kernel's default here is BBR, which is the slower one.
void UseCubic(int fd) {
  constexpr std::string_view kCubic = "cubic";
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, kCubic.data(), kCubic.size());
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int Connect(const std::string& address) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  UseCubic(fd);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(kPort);
  inet_aton(address.c_str(), &to.sin_addr);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) Fail("connect");
  return fd;
}

std::vector<int> ConnectAll(const Words& words, size_t first) {
  std::vector<int> streams;
  for (size_t i = first; i < words.size(); ++i) streams.push_back(Connect(std::string(words[i])));
  return streams;
}

int Accept() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    Fail("bind");
  }
  if (listen(listener, 1) != 0) Fail("listen");
  PrintReady();
  const int fd = accept(listener, nullptr, nullptr);
  if (fd < 0) Fail("accept");
  UseCubic(fd);
  return fd;
}

// One receiver's stream: a batch of messages that is being written.
class Stream {
 public:
  Stream(int fd, size_t size, uint64_t count)
      : fd_(fd), size_(size), count_(count), batch_(std::max<size_t>(1, kBatchBytes / size)) {
    fcntl(fd_, F_SETFL, O_NONBLOCK);
    bytes_.reserve(batch_ * size_);
  }

  bool done() const { return at_ == bytes_.size() && next_ == count_; }
  pollfd wait() const { return {done() ? -1 : fd_, POLLOUT, 0}; }

  void Write() {
    while (!done()) {
      if (at_ == bytes_.size()) Fill();
      const ssize_t n = write(fd_, &bytes_[at_], bytes_.size() - at_);
      if (n < 0) return;
      at_ += static_cast<size_t>(n);
    }
  }
  void AwaitEnd() const {
    char end = 0;
    fcntl(fd_, F_SETFL, 0);
    if (read(fd_, &end, 1) != 1) Fail("end");
  }

 private:
  void Fill() {
    const uint64_t n = std::min<uint64_t>(batch_, count_ - next_);
    bytes_.assign(n * size_, 0);
    for (uint64_t i = 0; i < n; ++i) WriteNumber(&bytes_[i * size_], next_++);
    at_ = 0;
  }

  int fd_;
  size_t size_;
  uint64_t count_;
  size_t batch_;
  uint64_t next_ = 0;
  std::vector<char> bytes_;
  size_t at_ = 0;
};

void Send(size_t size, uint64_t count, const std::vector<int>& fds) {
  std::vector<Stream> streams;
  for (int fd : fds) streams.emplace_back(fd, size, count);
  PrintGo();
  const int64_t started = NowNs();
  while (!std::all_of(streams.begin(), streams.end(), [](const auto& s) { return s.done(); })) {
    std::vector<pollfd> waits;
    for (const Stream& stream : streams) waits.push_back(stream.wait());
    poll(waits.data(), waits.size(), kNoTimeout);
    for (size_t i = 0; i < streams.size(); ++i) {
      if (waits[i].revents != 0) streams[i].Write();
    }
  }
  const int64_t sent = NowNs();
  for (const Stream& stream : streams) stream.AwaitEnd();
  PrintSent(started, sent);
}

void Receive(size_t size, uint64_t count) {
  const int fd = Accept();
  ReceiverReport report;
  std::vector<char> bytes(std::max(size, size_t{1} << 20));
  size_t have = 0;
  while (report.messages() < count) {
    const ssize_t n = read(fd, &bytes[have], bytes.size() - have);
    if (n <= 0) break;
    have += static_cast<size_t>(n);
    size_t at = 0;
    for (; have - at >= size; at += size) report.OnMessage(&bytes[at], size);
    std::memmove(bytes.data(), &bytes[at], have - at);
    have -= at;
  }
  if (write(fd, "", 1) != 1) Fail("end");
  report.Print(count);
}

void LatencySend(uint64_t count, const std::vector<int>& fds) {
  std::array<char, kLatencyMessageBytes> message = {};
  std::array<char, kNumberBytes> echo;
  std::vector<int64_t> latencies;
  PrintGo();
  const int64_t started = NowNs();
  for (uint64_t i = 0; i < count; ++i) {
    WriteNumber(message.data(), i);
    const int64_t sent = NowNs();
    for (int fd : fds) {
      if (write(fd, message.data(), message.size()) < 0) Fail("write");
    }
    for (int fd : fds) {
      if (recv(fd, echo.data(), echo.size(), MSG_WAITALL) <= 0) Fail("echo");
    }
    latencies.push_back(NowNs() - sent);
  }
  PrintLatencies(std::move(latencies), started);
  PrintSent(started, NowNs());
}

void LatencyReceive(uint64_t count) {
  const int fd = Accept();
  ReceiverReport report;
  std::array<char, kLatencyMessageBytes> message;
  while (report.messages() < count) {
    if (recv(fd, message.data(), message.size(), MSG_WAITALL) <= 0) break;
    if (write(fd, message.data(), kNumberBytes) < 0) break;
    report.OnMessage(message.data(), message.size());
  }
  report.Print(count);
}

int Run(const Words& words) {
  const std::string_view mode = words.empty() ? "" : words[0];
  if (mode == "send" && words.size() > 3) {
    Send(ParseNumber(words[1]), ParseNumber(words[2]), ConnectAll(words, 3));
  } else if (mode == "recv" && words.size() == 3) {
    Receive(ParseNumber(words[1]), ParseNumber(words[2]));
  } else if (mode == "lsend" && words.size() > 2) {
    LatencySend(ParseNumber(words[1]), ConnectAll(words, 2));
  } else if (mode == "lrecv" && words.size() == 2) {
    LatencyReceive(ParseNumber(words[1]));
  } else {
    std::fprintf(stderr, "tcp_streams send|recv|lsend|lrecv\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  strata::bench::DieWithParent();
  return strata::bench::Run({argv + 1, argv + argc});
}

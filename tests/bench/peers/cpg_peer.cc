// corosync's closed process groups: totally ordered, delivered to the sender too, but without
// proof that all others have the message. Each process talks to the corosync of its namespace.
//
//   cpg_peer send SIZE COUNT N | cpg_peer recv SIZE COUNT
//   cpg_peer lsend N COUNT     | cpg_peer lrecv COUNT
#include <corosync/cpg.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include "tests/bench/peers/line_protocol.h"
#include "tests/bench/peers/multicast_socket.h"

namespace strata::bench {
namespace {

constexpr std::string_view kGroupName = "bench";
constexpr int kJoinTries = 200;
constexpr useconds_t kJoinPauseUs = 50000;
constexpr useconds_t kSendPauseUs = 100;
constexpr uint64_t kDispatchEvery = 32;
constexpr int kStartMs = 60000;
constexpr int kSilenceMs = 15000;

class Process {
 public:
  Process(bool is_sender, uint64_t count) : is_sender_(is_sender), count_(count) {
    cpg_callbacks_t callbacks = {&Process::OnDeliver, &Process::OnMembers};
    if (cpg_initialize(&handle_, &callbacks) != CS_OK) Fail("corosync");
    cpg_context_set(handle_, this);
    cpg_name group = {};
    group.length = kGroupName.size();
    std::memcpy(group.value, kGroupName.data(), kGroupName.size());
    cs_error_t error = CS_ERR_TRY_AGAIN;
    for (int i = 0; i < kJoinTries && error == CS_ERR_TRY_AGAIN; ++i) {
      error = cpg_join(handle_, &group);
      if (error == CS_ERR_TRY_AGAIN) usleep(kJoinPauseUs);
    }
    if (error != CS_OK) Fail("cpg_join");
  }
  ~Process() { cpg_finalize(handle_); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void AwaitMembers(uint64_t members) {
    while (members_ < members) cpg_dispatch(handle_, CS_DISPATCH_ONE);
  }
  void Send(const std::vector<char>& message) {
    iovec piece = {const_cast<char*>(message.data()), message.size()};
    cs_error_t error;
    while ((error = cpg_mcast_joined(handle_, CPG_TYPE_AGREED, &piece, 1)) == CS_ERR_TRY_AGAIN) {
      Dispatch();
      usleep(kSendPauseUs);
    }
    if (error != CS_OK) Fail("cpg_mcast_joined");
  }
  void Dispatch() { cpg_dispatch(handle_, CS_DISPATCH_ALL); }
  void AwaitOwn(uint64_t messages) {
    while (own_ < messages) cpg_dispatch(handle_, CS_DISPATCH_ONE);
  }
  void Receive() {
    int fd = -1;
    cpg_fd_get(handle_, &fd);
    PrintReady();
    while (report_.messages() < count_) {
      pollfd wait = {fd, POLLIN, 0};
      if (poll(&wait, 1, report_.messages() > 0 ? kSilenceMs : kStartMs) <= 0) break;
      if (cpg_dispatch(handle_, CS_DISPATCH_ALL) != CS_OK) break;
    }
    report_.Print(count_);
  }

 private:
  static Process& Of(cpg_handle_t handle) {
    void* self = nullptr;
    cpg_context_get(handle, &self);
    return *static_cast<Process*>(self);
  }
  static void OnDeliver(cpg_handle_t handle, const cpg_name*, uint32_t, uint32_t pid, void* message,
                        size_t bytes) {
    Process& self = Of(handle);
    if (self.is_sender_) {
      if (pid == static_cast<uint32_t>(getpid())) ++self.own_;
    } else {
      self.report_.OnMessage(message, bytes);
    }
  }
  static void OnMembers(cpg_handle_t handle, const cpg_name*, const cpg_address*, size_t members,
                        const cpg_address*, size_t, const cpg_address*, size_t) {
    Of(handle).members_ = members;
  }

  const bool is_sender_;
  const uint64_t count_;
  cpg_handle_t handle_ = 0;
  uint64_t members_ = 0;
  uint64_t own_ = 0;
  ReceiverReport report_;
};

void Send(size_t size, uint64_t count, uint64_t members) {
  Process process(true, count);
  process.AwaitMembers(members + 1);
  std::vector<char> message(size);
  PrintGo();
  const int64_t started = NowNs();
  for (uint64_t i = 0; i < count; ++i) {
    WriteNumber(message.data(), i);
    process.Send(message);
    if (i % kDispatchEvery == 0) process.Dispatch();
  }
  process.AwaitOwn(count);
  PrintSent(started, NowNs());
  sleep(1);
}

void LatencySend(uint64_t members, uint64_t count) {
  Process process(true, count);
  process.AwaitMembers(members + 1);
  std::vector<char> message(kLatencyMessageBytes);
  std::vector<int64_t> latencies;
  PrintGo();
  const int64_t started = NowNs();
  for (uint64_t i = 0; i < count; ++i) {
    WriteNumber(message.data(), i);
    const int64_t sent = NowNs();
    process.Send(message);
    process.AwaitOwn(i + 1);
    latencies.push_back(NowNs() - sent);
  }
  PrintLatencies(std::move(latencies), started);
  PrintSent(started, NowNs());
  sleep(1);
}

int Run(const std::vector<std::string_view>& words) {
  const std::string_view mode = words.empty() ? "" : words[0];
  if (mode == "send" && words.size() == 4) {
    Send(ParseNumber(words[1]), ParseNumber(words[2]), ParseNumber(words[3]));
  } else if (mode == "lsend" && words.size() == 3) {
    LatencySend(ParseNumber(words[1]), ParseNumber(words[2]));
  } else if (mode == "recv" && words.size() == 3) {
    Process(false, ParseNumber(words[2])).Receive();
  } else if (mode == "lrecv" && words.size() == 2) {
    Process(false, ParseNumber(words[1])).Receive();
  } else {
    std::fprintf(stderr, "cpg_peer send|recv|lsend|lrecv\n");
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

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.h"
#include "common/sockaddr.h"
#include "common/status.h"

// Asks web servers at a steady pace, whether they answer or not, and writes down how each request
// ended. Connections are kept and used again, a hundred requests each at most; where none is idle
// a new one is made. A request on a kept connection that turns out to be closed is asked once more
// on a new one, as curl and browsers do (RFC 9112, 9.3.1); nothing else is tried twice.
//
//   paced_load RATE SECONDS HOST OUTPUT ENDPOINT/PATH...
//
// RATE requests a second in all, at the targets in turn. OUTPUT gets a line for each request:
// target's number, when it was due, what it took since then (nanoseconds of the monotonic clock),
// and the status; or, instead of a status, 0: refused, 1: cut off, 2: no answer in time, 3: not
// the body that came first, 4: the client's own limits. At the end 1 if it was asked twice.

namespace strata::bench {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kAnswerLimit = 3 * kSecond;
constexpr int64_t kTick = kSecond / 1000;
constexpr size_t kRequestsEach = 100;
constexpr size_t kConnectionsMax = 16'000;
constexpr size_t kAnswerBytesMax = 1 << 20;
constexpr size_t kIdleMax = 256;

enum End { kRefused = 0, kCut = 1, kLate = 2, kOtherBody = 3, kOwnLimit = 4 };

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

struct Target {
  SocketAddress address;
  std::string request;
  std::string body;  // The first that came.
  bool answered = false;
};

struct Connection {
  int fd = -1;
  size_t target = 0;
  int64_t due = 0;
  size_t requests = 0;
  bool busy = false;
  bool connected = false;
  bool again = false;  // This request was cut off on a kept connection before.
  std::string received;
  size_t written = 0;
};

struct Record {
  size_t target;
  int64_t due;
  int64_t took;
  int end;
  bool again;
};

// What an answer's head says, once it is whole.
struct Head {
  int status = 0;
  size_t bytes = 0;  // Of head and body.
  size_t body_at = 0;
  bool closes = false;
};

// False: not whole yet.
bool ReadHead(std::string_view received, Head& head) {
  const size_t end = received.find("\r\n\r\n");
  if (end == std::string_view::npos || received.size() < 12) return false;
  head.status = std::atoi(std::string(received.substr(9, 3)).c_str());
  head.body_at = end + 4;
  head.bytes = head.body_at;
  size_t at = received.find("\r\n") + 2;
  while (at < end) {
    const size_t line_end = received.find("\r\n", at);
    const std::string line(received.substr(at, line_end - at));
    if (strncasecmp(line.c_str(), "content-length:", 15) == 0) {
      head.bytes += std::strtoull(line.c_str() + 15, nullptr, 10);
    } else if (strncasecmp(line.c_str(), "connection: close", 17) == 0) {
      head.closes = true;
    }
    at = line_end + 2;
  }
  return true;
}

class Load {
 public:
  Load(std::vector<Target> targets, size_t rate, size_t seconds)
      : targets_(std::move(targets)),
        idle_(targets_.size()),
        rate_(rate),
        count_(rate * seconds),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    records_.reserve(count_);
  }

  const std::vector<Record>& Run() {
    start_ = NowNs();
    while (records_.size() < count_) {
      Begin();
      Poll();
      Expire();
    }
    return records_;
  }

 private:
  // What is due by now.
  void Begin() {
    for (const int64_t now = NowNs(); begun_ < count_; ++begun_) {
      const int64_t due = start_ + static_cast<int64_t>(begun_) * kSecond / rate_;
      if (due > now) return;
      const size_t target = begun_ % targets_.size();
      Connection* connection = TakeIdle(target);
      if (connection == nullptr) connection = Connect(target, due);
      if (connection != nullptr) Ask(*connection, due);
    }
  }

  Connection* TakeIdle(size_t target) {
    if (idle_[target].empty()) return nullptr;
    const int fd = idle_[target].back();
    idle_[target].pop_back();
    return connections_.at(fd).get();
  }

  Connection* Connect(size_t target, int64_t due) {
    const Target& to = targets_[target];
    const int fd =
        connections_.size() < kConnectionsMax
            ? socket(to.address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
            : -1;
    if (fd < 0) {
      records_.push_back({target, due, NowNs() - due, kOwnLimit, false});
      return nullptr;
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, to.address.get(), to.address.size) != 0 && errno != EINPROGRESS) {
      close(fd);
      records_.push_back({target, due, NowNs() - due, kRefused, false});
      return nullptr;
    }
    auto connection = std::make_unique<Connection>();
    connection->fd = fd;
    connection->target = target;
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    return (connections_[fd] = std::move(connection)).get();
  }

  void Ask(Connection& connection, int64_t due, bool again = false) {
    connection.busy = true;
    connection.again = again;
    connection.due = due;
    connection.written = 0;
    connection.received.clear();
    ++connection.requests;
    waiting_.push_back({due, connection.fd});
    if (connection.connected) Write(connection);
  }

  void Poll() {
    std::array<epoll_event, 256> events{};
    const int64_t due = start_ + static_cast<int64_t>(begun_) * kSecond / rate_;
    const int64_t left = begun_ < count_ ? std::clamp<int64_t>(due - NowNs(), 0, kTick) : kTick;
    const timespec limit{.tv_sec = 0, .tv_nsec = left};
    const int found = epoll_pwait2(epoll_, events.data(), events.size(), &limit, nullptr);
    for (int i = 0; i < found; ++i) {
      const auto at = connections_.find(events[i].data.fd);
      if (at != connections_.end()) Handle(*at->second, events[i].events);
    }
  }

  void Handle(Connection& connection, uint32_t events) {
    if (!connection.connected && (events & (EPOLLERR | EPOLLHUP)) != 0) {
      return Drop(connection, kRefused);
    }
    if ((events & EPOLLOUT) != 0) {
      connection.connected = true;
      if (connection.busy && !Write(connection)) return;
    }
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0) Read(connection);
  }

  // False: the connection is no more.
  bool Write(Connection& connection) {
    const std::string& request = targets_[connection.target].request;
    while (connection.written < request.size()) {
      const ssize_t sent = send(connection.fd, request.data() + connection.written,
                                request.size() - connection.written, MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) return true;
      if (sent < 0) {
        Drop(connection, kCut);
        return false;
      }
      connection.written += static_cast<size_t>(sent);
    }
    return true;
  }

  void Read(Connection& connection) {
    std::array<char, 16384> piece{};
    while (true) {
      const ssize_t got = recv(connection.fd, piece.data(), piece.size(), 0);
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return Drop(connection, kCut);
      connection.received.append(piece.data(), static_cast<size_t>(got));
      if (!connection.busy || connection.received.size() > kAnswerBytesMax) {
        return Drop(connection, kCut);
      }
      Head head;
      if (!ReadHead(connection.received, head) || connection.received.size() < head.bytes) continue;
      if (!Finish(connection, head)) return;
    }
  }

  // False: the connection is no more.
  bool Finish(Connection& connection, const Head& head) {
    Target& target = targets_[connection.target];
    const std::string body = connection.received.substr(head.body_at);
    if (!target.answered && head.status == 200) {
      target.answered = true;
      target.body = body;
    }
    const bool same = head.status != 200 || body == target.body;
    Note(connection, same ? head.status : kOtherBody);
    connection.busy = false;
    if (head.closes || connection.requests >= kRequestsEach ||
        idle_[connection.target].size() >= kIdleMax) {
      Drop(connection, kCut);
      return false;
    }
    idle_[connection.target].push_back(connection.fd);
    return true;
  }

  void Note(const Connection& connection, int end) {
    records_.push_back(
        {connection.target, connection.due, NowNs() - connection.due, end, connection.again});
  }

  void Drop(Connection& connection, End end) {
    const bool again =
        connection.busy && end == kCut && connection.requests > 1 && connection.received.empty();
    if (connection.busy && !again) Note(connection, end);
    const size_t target = connection.target;
    const int64_t due = connection.due;
    const int fd = connection.fd;
    std::erase(idle_[target], fd);
    close(fd);
    connections_.erase(fd);
    if (!again) return;
    Connection* const other = Connect(target, due);
    if (other != nullptr) Ask(*other, due, true);
  }

  // Who was asked too long ago.
  void Expire() {
    const int64_t now = NowNs();
    while (!waiting_.empty() && waiting_.front().due + kAnswerLimit < now) {
      const Waiting first = waiting_.front();
      waiting_.pop_front();
      const auto at = connections_.find(first.fd);
      if (at == connections_.end() || !at->second->busy || at->second->due != first.due) continue;
      Drop(*at->second, kLate);
    }
  }

  struct Waiting {
    int64_t due;
    int fd;
  };

  std::vector<Target> targets_;
  std::vector<std::vector<int>> idle_;  // Of each target, the one used last at the end.
  const size_t rate_;
  const size_t count_;
  const int epoll_;
  int64_t start_ = 0;
  size_t begun_ = 0;
  std::map<int, std::unique_ptr<Connection>> connections_;
  std::deque<Waiting> waiting_;
  std::vector<Record> records_;
};

StatusOr<Target> ParseTarget(const std::string& text, const std::string& host) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return InvalidArgument("%s: no path", text.c_str());
  STRATA_ASSIGN_OR_RETURN(const Endpoint endpoint, Endpoint::Parse(text.substr(0, slash)));
  Target target;
  target.address = ToSocketAddress(endpoint);
  target.request = "GET " + text.substr(slash) + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  return target;
}

Status Run(const std::vector<std::string>& words) {
  const rlimit files{.rlim_cur = kConnectionsMax + 100, .rlim_max = kConnectionsMax + 100};
  rlimit now{};
  getrlimit(RLIMIT_NOFILE, &now);
  if (now.rlim_cur < files.rlim_cur && setrlimit(RLIMIT_NOFILE, &files) != 0) {
    return Unavailable("not so many files: %d", static_cast<int>(files.rlim_cur));
  }
  std::vector<Target> targets;
  for (size_t i = 4; i < words.size(); ++i) {
    STRATA_ASSIGN_OR_RETURN(Target target, ParseTarget(words[i], words[2]));
    targets.push_back(std::move(target));
  }
  const size_t rate = std::strtoull(words[0].c_str(), nullptr, 10);
  const size_t seconds = std::strtoull(words[1].c_str(), nullptr, 10);
  if (rate == 0 || seconds == 0) return InvalidArgument("no rate, or no time");
  Load load(std::move(targets), rate, seconds);
  const std::vector<Record>& records = load.Run();
  FILE* const out = std::fopen(words[3].c_str(), "we");
  if (out == nullptr) return Unavailable("%s: cannot be written", words[3].c_str());
  for (const Record& record : records) {
    std::fprintf(out, "%zu %lld %lld %d %d\n", record.target, static_cast<long long>(record.due),
                 static_cast<long long>(record.took), record.end, record.again ? 1 : 0);
  }
  return std::fclose(out) == 0 ? Ok() : Unavailable("%s: not written", words[3].c_str());
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: paced_load RATE SECONDS HOST OUTPUT ENDPOINT/PATH...\n");
    return 2;
  }
  const strata::Status done = strata::bench::Run({argv + 1, argv + argc});
  if (done.ok()) return 0;
  std::fprintf(stderr, "%s\n", strata::MessageOf(done).c_str());
  return 1;
}

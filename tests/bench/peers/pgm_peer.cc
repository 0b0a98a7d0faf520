// PGM (RFC 3208) over UDP by OpenPGM, at a fixed rate. Datagrams of at most 1400 bytes; nobody
// acknowledges.
//
//   pgm_peer send SIZE COUNT MEGABYTES_PER_SECOND | pgm_peer recv SIZE COUNT
// clang-format off
#include <poll.h>  // Before pgm.h, which offers pgm_poll_info only then.
#ifdef __clang__
#define restrict __restrict  // The headers do so for other compilers.
#endif
#include <pgm/pgm.h>
#undef restrict
// clang-format on
#include <arpa/inet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/bench/peers/line_protocol.h"
#include "tests/bench/peers/multicast_socket.h"

namespace strata::bench {
namespace {

constexpr const char* kGroup = "239.7.7.32";
constexpr int kUdpPort = 7601;
constexpr uint16_t kDataPort = 7600;
constexpr int kMtu = 1500;
constexpr int kWindowPackets = 20000;
constexpr int kNakRetries = 50;
constexpr int kSocketBytes = 64 << 20;
constexpr int kPollMaxMs = 20;
constexpr int64_t kStartNs = 60'000'000'000;
constexpr int64_t kSilenceNs = 5'000'000'000;
constexpr unsigned kLingerSeconds = 15;

void Check(bool ok, const char* what, const pgm_error_t* error) {
  if (ok) return;
  std::fprintf(stderr, "%s: %s\n", what, error != nullptr ? error->message : "failed");
  std::exit(1);
}

// "address;group": OpenPGM's own name for where to send and receive.
std::string NetworkName() {
  ifreq request = {};
  std::strcpy(request.ifr_name, "eth0");
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (ioctl(fd, SIOCGIFADDR, &request) != 0) Fail("eth0");
  close(fd);
  sockaddr_in address = {};
  std::memcpy(&address, &request.ifr_addr, sizeof address);
  return std::string(inet_ntoa(address.sin_addr)) + ";" + kGroup;
}

class Socket {
 public:
  Socket(bool is_sender, int bytes_per_second) {
    pgm_error_t* error = nullptr;
    Check(pgm_init(&error), "pgm_init", error);
    Check(pgm_getaddrinfo(NetworkName().c_str(), nullptr, &network_, &error), "pgm_getaddrinfo",
          error);
    Check(pgm_socket(&socket_, AF_INET, SOCK_SEQPACKET, IPPROTO_UDP, &error), "pgm_socket", error);
    Set(PGM_UDP_ENCAP_UCAST_PORT, kUdpPort);
    Set(PGM_UDP_ENCAP_MCAST_PORT, kUdpPort);
    Set(PGM_IP_ROUTER_ALERT, 0);
    Set(PGM_MTU, kMtu);
    if (is_sender) {
      SetSender(bytes_per_second);
    } else {
      SetReceiver();
    }
    Bind();
    Check(pgm_connect(socket_, &error), "pgm_connect", error);
  }

  pgm_sock_t* get() { return socket_; }

  void GrowReceiveBuffer() {
    int fd = -1;
    socklen_t size = sizeof fd;
    pgm_getsockopt(socket_, IPPROTO_PGM, PGM_RECV_SOCK, &fd, &size);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBytes, sizeof kSocketBytes);
  }

  // Until something comes or a timer of PGM is due.
  void Wait(int status) {
    timeval left = {0, kPollMaxMs * 1000};
    socklen_t size = sizeof left;
    if (status == PGM_IO_STATUS_TIMER_PENDING) {
      pgm_getsockopt(socket_, IPPROTO_PGM, PGM_TIME_REMAIN, &left, &size);
    } else if (status == PGM_IO_STATUS_RATE_LIMITED) {
      pgm_getsockopt(socket_, IPPROTO_PGM, PGM_RATE_REMAIN, &left, &size);
    }
    const auto ms = static_cast<int>(left.tv_sec * 1000 + left.tv_usec / 1000);
    std::array<pollfd, 6> waits;
    int n = waits.size();
    pgm_poll_info(socket_, waits.data(), &n, POLLIN);
    poll(waits.data(), static_cast<nfds_t>(n), std::min(kPollMaxMs, ms));
  }

 private:
  void Set(int option, int value) {
    Check(pgm_setsockopt(socket_, IPPROTO_PGM, option, &value, sizeof value), "option", nullptr);
  }
  void SetSender(int bytes_per_second) {
    const std::array<int, 5> heartbeats = {pgm_msecs(5), pgm_msecs(10), pgm_msecs(20),
                                           pgm_msecs(50), pgm_msecs(100)};
    Set(PGM_SEND_ONLY, 1);
    Set(PGM_TXW_SQNS, kWindowPackets);
    Set(PGM_TXW_MAX_RTE, bytes_per_second);
    Set(PGM_AMBIENT_SPM, pgm_msecs(200));
    pgm_setsockopt(socket_, IPPROTO_PGM, PGM_HEARTBEAT_SPM, heartbeats.data(), sizeof heartbeats);
  }
  void SetReceiver() {
    Set(PGM_RECV_ONLY, 1);
    Set(PGM_PASSIVE, 0);
    Set(PGM_RXW_SQNS, kWindowPackets);
    Set(PGM_PEER_EXPIRY, pgm_secs(300));
    Set(PGM_SPMR_EXPIRY, pgm_msecs(250));
    Set(PGM_NAK_BO_IVL, pgm_msecs(5));
    Set(PGM_NAK_RPT_IVL, pgm_msecs(100));
    Set(PGM_NAK_RDATA_IVL, pgm_msecs(100));
    Set(PGM_NAK_DATA_RETRIES, kNakRetries);
    Set(PGM_NAK_NCF_RETRIES, kNakRetries);
  }
  void Bind() {
    pgm_error_t* error = nullptr;
    pgm_sockaddr_t address = {};
    address.sa_port = kDataPort;
    const std::string seed = std::to_string(getpid()) + "-" + std::to_string(NowNs());
    pgm_gsi_create_from_string(&address.sa_addr.gsi, seed.c_str(), -1);
    pgm_interface_req_t interface = {};
    interface.ir_interface = network_->ai_recv_addrs[0].gsr_interface;
    Check(pgm_bind3(socket_, &address, sizeof address, &interface, sizeof interface, &interface,
                    sizeof interface, &error),
          "pgm_bind", error);
    for (unsigned i = 0; i < network_->ai_recv_addrs_len; ++i) {
      pgm_setsockopt(socket_, IPPROTO_PGM, PGM_JOIN_GROUP, &network_->ai_recv_addrs[i],
                     sizeof(pgm_group_source_req));
    }
    pgm_setsockopt(socket_, IPPROTO_PGM, PGM_SEND_GROUP, &network_->ai_send_addrs[0],
                   sizeof(pgm_group_source_req));
    Set(PGM_MULTICAST_LOOP, 0);
    Set(PGM_MULTICAST_HOPS, 1);
    Set(PGM_NOBLOCK, 1);
  }

  pgm_addrinfo_t* network_ = nullptr;
  pgm_sock_t* socket_ = nullptr;
};

// Answers requests for repair while the other thread sends.
void Repair(Socket& socket) {
  std::array<char, 4096> bytes;
  while (true) {
    pgm_error_t* error = nullptr;
    const int status = pgm_recv(socket.get(), bytes.data(), bytes.size(), 0, nullptr, &error);
    if (error != nullptr) pgm_error_free(error);
    if (status != PGM_IO_STATUS_NORMAL) socket.Wait(status);
  }
}

void Send(size_t size, uint64_t count, uint64_t megabytes_per_second) {
  Socket socket(true, static_cast<int>(megabytes_per_second * 1000000));
  std::thread(Repair, std::ref(socket)).detach();
  sleep(1);  // PGM has no way to tell that receivers know of the sender.
  std::vector<char> message(size);
  PrintGo();
  const int64_t started = NowNs();
  for (uint64_t number = 0; number < count;) {
    WriteNumber(message.data(), number);
    size_t written = 0;
    const int status = pgm_send(socket.get(), message.data(), size, &written);
    if (status == PGM_IO_STATUS_NORMAL) {
      ++number;
    } else if (status == PGM_IO_STATUS_ERROR) {
      Fail("pgm_send");
    } else {
      usleep(50);
    }
  }
  PrintSent(started, NowNs());
  sleep(kLingerSeconds);
  _exit(0);  // The other thread never ends.
}

class Receiver {
 public:
  explicit Receiver(size_t size) : size_(size) {}

  void Run(uint64_t count) {
    socket_.GrowReceiveBuffer();
    PrintReady();
    int64_t heard = NowNs();
    while (report_.messages() < count) {
      const int status = Take();
      if (status == PGM_IO_STATUS_NORMAL) {
        heard = NowNs();
      } else if (NowNs() - heard > (report_.messages() > 0 ? kSilenceNs : kStartNs)) {
        break;
      } else if (status != PGM_IO_STATUS_RESET) {
        socket_.Wait(status);
      }
    }
    report_.Print(count);
  }

 private:
  int Take() {
    std::array<pgm_msgv_t, 32> messages = {};
    size_t bytes = 0;
    pgm_error_t* error = nullptr;
    const int status =
        pgm_recvmsgv(socket_.get(), messages.data(), messages.size(), MSG_ERRQUEUE, &bytes, &error);
    if (error != nullptr) pgm_error_free(error);
    if (status != PGM_IO_STATUS_NORMAL) return status;
    for (size_t i = 0; i < messages.size() && bytes >= size_; ++i, bytes -= size_) {
      report_.OnMessage(messages[i].msgv_skb[0]->data, size_);
    }
    return status;
  }

  const size_t size_;
  Socket socket_{false, 0};
  ReceiverReport report_;
};

int Run(const std::vector<std::string_view>& words) {
  if (words.size() == 4 && words[0] == "send") {
    Send(ParseNumber(words[1]), ParseNumber(words[2]), ParseNumber(words[3]));
  } else if (words.size() == 3 && words[0] == "recv") {
    Receiver(ParseNumber(words[1])).Run(ParseNumber(words[2]));
  } else {
    std::fprintf(stderr, "pgm_peer send SIZE COUNT MBYTES | pgm_peer recv SIZE COUNT\n");
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

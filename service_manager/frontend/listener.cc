#include "service_manager/frontend/listener.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "common/sockaddr.h"

namespace strata::manager::frontend {
namespace {

constexpr int kBacklog = 4096;

bool SetOption(int descriptor, int level, int option) {
  const int on = 1;
  return ::setsockopt(descriptor, level, option, &on, sizeof(on)) == 0;
}

bool BindFreely(int descriptor, bool v6) {
  return v6 ? SetOption(descriptor, IPPROTO_IPV6, IPV6_FREEBIND)
            : SetOption(descriptor, IPPROTO_IP, IP_FREEBIND);
}

bool Listen(int descriptor, const SocketAddress& address, bool v6) {
  // An IPv6 socket takes no IPv4: that may be another listener's, on the same port.
  return SetOption(descriptor, SOL_SOCKET, SO_REUSEADDR) &&
         SetOption(descriptor, SOL_SOCKET, SO_REUSEPORT) &&
         (!v6 || SetOption(descriptor, IPPROTO_IPV6, IPV6_V6ONLY)) &&
         ::bind(descriptor, address.get(), address.size) == 0 &&
         ::listen(descriptor, kBacklog) == 0;
}

}  // namespace

StatusOr<Listener> Listener::Open(const Endpoint& endpoint, Address address) {
  const bool v6 = endpoint.ip.IsV6();
  Listener listener(
      ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  SocketAddress taken;
  if (listener.descriptor_ < 0 ||
      (address == Address::kFloating && !BindFreely(listener.descriptor_, v6)) ||
      !Listen(listener.descriptor_, ToSocketAddress(endpoint), v6) ||
      ::getsockname(listener.descriptor_, taken.get(), &taken.size) != 0) {
    return Unavailable("cannot listen on %s: %s", ToString(endpoint).c_str(), std::strerror(errno));
  }
  listener.endpoint_ = ToEndpoint(taken).value_or(endpoint);
  return listener;
}

StatusOr<UniqueFd> Listener::Duplicate() const {
  UniqueFd same(::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0));
  if (same.valid()) return same;
  return ResourceExhausted("a listener's descriptor: %s", std::strerror(errno));
}

Status SetListenerDeaf(int descriptor, bool deaf) {
  // Of TCP's header the flags: what has SYN is dropped.
  constexpr uint32_t kFlagsAt = 13;
  constexpr uint32_t kSyn = 2;
  std::array<sock_filter, 4> code = {sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlagsAt),
                                     sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kSyn, 0, 1),
                                     sock_filter BPF_STMT(BPF_RET | BPF_K, 0),
                                     sock_filter BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)};
  const sock_fprog program{.len = static_cast<unsigned short>(code.size()), .filter = code.data()};
  if (::setsockopt(descriptor, SOL_SOCKET, deaf ? SO_ATTACH_FILTER : SO_DETACH_FILTER, &program,
                   sizeof(program)) == 0) {
    return Ok();
  }
  if (!deaf && errno == ENOENT) return Ok();  // It was not deaf.
  return Unavailable("a listener's filter: %s", std::strerror(errno));
}

Listener::~Listener() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace strata::manager::frontend

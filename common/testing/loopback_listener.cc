#include "common/testing/loopback_listener.h"

#include <poll.h>
#include <sys/socket.h>

#include "common/check.h"
#include "common/sockaddr.h"

namespace strata {
namespace {

constexpr int kPatienceMs = 20'000;
constexpr int kBacklog = 8;

}  // namespace

LoopbackListener::LoopbackListener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  SocketAddress at = ToSocketAddress(*Endpoint::Parse("127.0.0.1:0"));
  STRATA_CHECK(bind(fd_.get(), at.get(), at.size) == 0);
  STRATA_CHECK(listen(fd_.get(), kBacklog) == 0);
  STRATA_CHECK(getsockname(fd_.get(), at.get(), &at.size) == 0);
  endpoint_ = *ToEndpoint(at);
}

bool LoopbackListener::AwaitClient() const {
  pollfd wait{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  return poll(&wait, 1, kPatienceMs) == 1;
}

UniqueFd LoopbackListener::Accept() const {
  return UniqueFd(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
}

void LoopbackListener::End() { shutdown(fd_.get(), SHUT_RDWR); }

}  // namespace strata

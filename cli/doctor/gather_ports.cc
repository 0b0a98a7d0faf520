#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <chrono>

#include "cli/doctor/gather.h"
#include "cli/doctor/processes.h"
#include "cli/http_get.h"
#include "common/sockaddr.h"
#include "common/unique_fd.h"

namespace strata::cli::doctor {
namespace {

constexpr size_t kHealthBytesMax = 64 << 10;
constexpr std::chrono::seconds kHealthPatience(3);

// 0, or the errno of why nobody could listen there now.
int TryToListen(const Endpoint& endpoint) {
  SocketAddress address = ToSocketAddress(endpoint);
  const UniqueFd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (endpoint.ip.IsV6()) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  return bind(fd.get(), address.get(), address.size) == 0 ? 0 : errno;
}

PortFacts LookAt(const Subject::Port& port, std::optional<pid_t> service) {
  PortFacts facts{.setting = port.setting, .endpoint = ToString(port.endpoint)};
  const int problem = TryToListen(port.endpoint);
  if (problem == 0) return facts;
  facts.problem = strerror(problem);
  facts.state = PortFacts::State::kUnusable;
  if (problem != EADDRINUSE) return facts;
  const std::optional<pid_t> holder = HolderOf(port.endpoint);
  if (!holder) {
    facts.state = PortFacts::State::kHeld;
    return facts;
  }
  facts.holder = Describe(*holder);
  const bool ours = service && IsBelow(*holder, *service);
  facts.state = ours ? PortFacts::State::kOurs : PortFacts::State::kTaken;
  return facts;
}

}  // namespace

std::vector<PortFacts> GatherPorts(const Subject& subject) {
  if (subject.ports.empty()) return {};
  const std::optional<pid_t> service = FindService(subject.settings.path);
  std::vector<PortFacts> all;
  for (const Subject::Port& port : subject.ports) all.push_back(LookAt(port, service));
  return all;
}

std::optional<StatusFacts> GatherStatus(const Subject& subject) {
  if (!subject.status_listen) return std::nullopt;
  // A wildcard is no address to call.
  Endpoint at = *subject.status_listen;
  if (at.ip.IsUnspecified()) {
    at.ip = at.ip.IsV4() ? IpAddress::V4(127, 0, 0, 1)
                         : IpAddress::V6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  }
  StatusFacts facts{.endpoint = ToString(at)};
  const StatusOr<HttpAnswer> answer = HttpGet(at, "/healthz", kHealthBytesMax, kHealthPatience);
  facts.answers = answer.ok();
  if (!answer.ok()) return facts;
  facts.healthy = answer->status == 200;
  facts.says = answer->body.substr(0, answer->body.find('\n'));
  return facts;
}

}  // namespace strata::cli::doctor

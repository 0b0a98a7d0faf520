#include "service_manager/address/address_request.h"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/check.h"
#include "service_manager/address/limits.h"

namespace strata::manager::address {
namespace {

// One message: header, fixed part, attributes.
struct Message {
  nlmsghdr header;
  ifaddrmsg address;
  std::array<uint8_t, 128> attributes;
};

void PutAttribute(Message& message, uint16_t type, const void* data, size_t size) {
  const size_t at = NLMSG_ALIGN(message.header.nlmsg_len);
  STRATA_CHECK(at + RTA_SPACE(size) <= sizeof(message));
  rtattr attribute{};
  attribute.rta_type = type;
  attribute.rta_len = static_cast<uint16_t>(RTA_LENGTH(size));
  uint8_t* const to = reinterpret_cast<uint8_t*>(&message) + at;
  std::memcpy(to, &attribute, sizeof(attribute));
  std::memcpy(to + RTA_LENGTH(0), data, size);
  message.header.nlmsg_len = static_cast<uint32_t>(at + RTA_ALIGN(attribute.rta_len));
}

void PutLifetime(const AddressRequest& request, Message& message) {
  ifa_cacheinfo times{};
  times.ifa_valid = static_cast<uint32_t>(request.lifetime.count());
  // Not preferred, ever: what this machine asks of others comes from its own address.
  times.ifa_prefered = 0;
  PutAttribute(message, IFA_CACHEINFO, &times, sizeof(times));
  // Nobody is asked whether he has it: the one before may, for a moment, and cannot answer.
  const uint32_t flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE;
  PutAttribute(message, IFA_FLAGS, &flags, sizeof(flags));
}

Message Encode(const AddressRequest& request, uint32_t sequence) {
  const bool put = request.what == AddressRequest::What::kPut;
  Message message{};
  message.header.nlmsg_len = NLMSG_LENGTH(sizeof(ifaddrmsg));
  message.header.nlmsg_type = put ? RTM_NEWADDR : RTM_DELADDR;
  message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  if (put) message.header.nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
  message.header.nlmsg_seq = sequence;
  const ByteSpan bytes = request.address.bytes();
  message.address.ifa_family = request.address.IsV4() ? AF_INET : AF_INET6;
  message.address.ifa_prefixlen = static_cast<uint8_t>(bytes.size() * 8);
  message.address.ifa_index = request.interface;
  PutAttribute(message, IFA_LOCAL, bytes.data(), bytes.size());
  PutAttribute(message, IFA_ADDRESS, bytes.data(), bytes.size());
  if (put) PutLifetime(request, message);
  return message;
}

// The errno in the answer to `sequence`, 0 for success; nothing if there is none in these bytes.
bool FindAnswer(ByteSpan bytes, uint32_t sequence, int& error) {
  while (bytes.size() >= NLMSG_LENGTH(sizeof(nlmsgerr))) {
    nlmsghdr header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > bytes.size()) return false;
    if (header.nlmsg_type == NLMSG_ERROR && header.nlmsg_seq == sequence) {
      nlmsgerr answer;
      std::memcpy(&answer, bytes.data() + NLMSG_HDRLEN, sizeof(answer));
      error = -answer.error;
      return true;
    }
    bytes = bytes.subspan(std::min<size_t>(bytes.size(), NLMSG_ALIGN(header.nlmsg_len)));
  }
  return false;
}

Status StatusOf(int error, const IpAddress& address) {
  switch (error) {
    case 0:
      return Ok();
    case EADDRNOTAVAIL:
    case ENODEV:
      return NotFound("%s: %s", ToString(address).c_str(), std::strerror(error));
    case EPERM:
      return PermissionDenied("%s: the kernel does not let this process change addresses",
                              ToString(address).c_str());
    default:
      return Unavailable("%s: %s", ToString(address).c_str(), std::strerror(error));
  }
}

}  // namespace

Status Ask(int netlink, const AddressRequest& request, uint32_t sequence) {
  const Message message = Encode(request, sequence);
  if (send(netlink, &message, message.header.nlmsg_len, 0) < 0) {
    return Unavailable("rtnetlink: %s", std::strerror(errno));
  }
  std::array<uint8_t, kNetlinkReplyBytes> reply;
  while (true) {
    const ssize_t size = recv(netlink, reply.data(), reply.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Unavailable("rtnetlink answers nothing: %s", std::strerror(errno));
    int error = 0;
    if (FindAnswer(ByteSpan(reply.data(), static_cast<size_t>(size)), sequence, error)) {
      return StatusOf(error, request.address);
    }
  }
}

}  // namespace strata::manager::address

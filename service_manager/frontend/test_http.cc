#include "service_manager/frontend/test_http.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "common/check.h"
#include "common/sockaddr.h"

namespace strata::manager::frontend::testing {
namespace {

constexpr timeval kPatience{.tv_sec = 10, .tv_usec = 0};

}  // namespace

std::string_view HttpMessage::StartLine() const {
  return std::string_view(head).substr(0, head.find("\r\n"));
}

std::string HttpMessage::Field(const std::string& name) const {
  const size_t at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const size_t from = at + name.size() + 4;
  return head.substr(from, head.find("\r\n", from) - from);
}

HttpConnection HttpConnection::To(const Endpoint& endpoint) {
  const int descriptor = ::socket(endpoint.ip.IsV6() ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  const SocketAddress address = ToSocketAddress(endpoint);
  STRATA_CHECK(::connect(descriptor, address.get(), address.size) == 0);
  return HttpConnection(descriptor);
}

HttpConnection::~HttpConnection() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

HttpConnection::HttpConnection(HttpConnection&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), buffer_(std::move(other.buffer_)) {}

bool HttpConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool HttpConnection::Fill() {
  char bytes[65536];
  const ssize_t got = ::recv(descriptor_, bytes, sizeof(bytes), 0);
  if (got <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(got));
  return true;
}

std::optional<HttpMessage> HttpConnection::Receive(bool bodiless) {
  size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) return std::nullopt;
  }
  HttpMessage message;
  message.head = buffer_.substr(0, end + 4);
  buffer_.erase(0, end + 4);
  if (bodiless) return message;
  const std::string length = message.Field("Content-Length");
  if (!length.empty()) {
    const size_t bytes = std::strtoul(length.c_str(), nullptr, 10);
    while (buffer_.size() < bytes) {
      if (!Fill()) return std::nullopt;
    }
    message.body = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return message;
  }
  if (message.Field("Transfer-Encoding") != "chunked") return message;
  for (size_t bytes = 1; bytes > 0;) {
    size_t line = 0;
    while ((line = buffer_.find("\r\n")) == std::string::npos) {
      if (!Fill()) return std::nullopt;
    }
    bytes = std::strtoul(buffer_.c_str(), nullptr, 16);
    while (buffer_.size() < line + 2 + bytes + 2) {
      if (!Fill()) return std::nullopt;
    }
    message.body += buffer_.substr(line + 2, bytes);
    buffer_.erase(0, line + 2 + bytes + 2);
  }
  return message;
}

std::string HttpConnection::ReceiveToEnd() {
  while (Fill()) {
  }
  return std::exchange(buffer_, "");
}

void HttpConnection::Abort() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  ::close(std::exchange(descriptor_, -1));
}

FakeEngine::FakeEngine(Handler handler, const char* address) : handler_(std::move(handler)) {
  const IpAddress ip = *IpAddress::Parse(address);
  listener_ = ::socket(ip.IsV6() ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
  SocketAddress wanted = ToSocketAddress({.ip = ip, .port = 0, .interface = 0});
  STRATA_CHECK(::bind(listener_, wanted.get(), wanted.size) == 0);
  STRATA_CHECK(::listen(listener_, 64) == 0);
  SocketAddress taken;
  STRATA_CHECK(::getsockname(listener_, taken.get(), &taken.size) == 0);
  endpoint_ = *ToEndpoint(taken);
  accepting_ = std::thread([this] { Accept(); });
}

FakeEngine::~FakeEngine() {
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  {
    const std::lock_guard lock(mu_);
    for (const int descriptor : open_) ::shutdown(descriptor, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

std::vector<HttpMessage> FakeEngine::requests() const {
  const std::lock_guard lock(mu_);
  return requests_;
}

void FakeEngine::Accept() {
  for (;;) {
    const int descriptor = ::accept(listener_, nullptr, nullptr);
    if (descriptor < 0) return;
    ++connections_;
    {
      const std::lock_guard lock(mu_);
      open_.push_back(::dup(descriptor));
    }
    threads_.emplace_back([this, descriptor] { Serve(descriptor); });
  }
}

void FakeEngine::Serve(int descriptor) {
  HttpConnection connection(descriptor);
  while (const std::optional<HttpMessage> request = connection.Receive()) {
    {
      const std::lock_guard lock(mu_);
      requests_.push_back(*request);
    }
    const std::string answer = handler_(*request);
    if (answer.empty() || !connection.Send(answer)) break;
    if (answer.find("Connection: close") != std::string::npos) break;
  }
  ::shutdown(descriptor, SHUT_RDWR);
}

}  // namespace strata::manager::frontend::testing

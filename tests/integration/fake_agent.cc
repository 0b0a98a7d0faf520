#include "tests/integration/fake_agent.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace strata::engine {
namespace {

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return tolower(c); });
  return text;
}

// More bytes behind `buffer`; false at the end.
bool ReadMore(int fd, std::string& buffer) {
  char bytes[65536];
  const ssize_t n = read(fd, bytes, sizeof(bytes));
  if (n <= 0) return false;
  buffer.append(bytes, static_cast<size_t>(n));
  return true;
}

bool Write(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// Cuts a line off the front of `buffer`, reading on as it has to.
bool TakeLine(int fd, std::string& buffer, std::string& line) {
  size_t end = 0;
  while ((end = buffer.find("\r\n")) == std::string::npos) {
    if (!ReadMore(fd, buffer)) return false;
  }
  line = buffer.substr(0, end);
  buffer.erase(0, end + 2);
  return true;
}

bool TakeBytes(int fd, std::string& buffer, size_t n, std::string& to) {
  while (buffer.size() < n) {
    if (!ReadMore(fd, buffer)) return false;
  }
  to += buffer.substr(0, n);
  buffer.erase(0, n);
  return true;
}

bool TakeBody(int fd, std::string& buffer, FakeAgent::Request& request) {
  if (request.Header("transfer-encoding") != "chunked") {
    const std::string length = request.Header("content-length");
    return length.empty() || TakeBytes(fd, buffer, std::stoul(length), request.body);
  }
  std::string line;
  while (TakeLine(fd, buffer, line)) {
    const size_t size = std::stoul(line, nullptr, 16);
    if (!TakeBytes(fd, buffer, size, request.body) || !TakeLine(fd, buffer, line)) return false;
    if (size == 0) return true;
  }
  return false;
}

bool TakeRequest(int fd, std::string& buffer, FakeAgent::Request& request) {
  std::string line;
  if (!TakeLine(fd, buffer, line)) return false;
  const size_t space = line.find(' ');
  request.method = line.substr(0, space);
  request.path = line.substr(space + 1, line.rfind(' ') - space - 1);
  request.path.resize(std::min(request.path.find('?'), request.path.size()));
  while (TakeLine(fd, buffer, line) && !line.empty()) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    request.headers[Lower(line.substr(0, colon))] = line.substr(colon + 2);
  }
  return TakeBody(fd, buffer, request);
}

bool SendAnswer(int fd, const FakeAgent::Answer& answer) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " X\r\n";
  for (const auto& [name, value] : answer.headers) head += name + ": " + value + "\r\n";
  if (answer.status != 304) {
    head += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  }
  if (!Write(fd, head + "\r\n")) return false;
  const std::string body = answer.body.substr(0, answer.cut);
  const size_t half = answer.before_the_end ? body.size() / 2 : body.size();
  if (!Write(fd, std::string_view(body).substr(0, half))) return false;
  if (answer.before_the_end) answer.before_the_end();
  return Write(fd, std::string_view(body).substr(half)) && answer.cut == std::string::npos;
}

}  // namespace

std::string FakeAgent::Request::Header(const std::string& name) const {
  const auto it = headers.find(name);
  return it == headers.end() ? "" : it->second;
}

FakeAgent::FakeAgent(const std::string& socket_path) {
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, socket_path.c_str(), sizeof(address.sun_path) - 1);
  bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  listen(listener_, 128);
  accepting_ = std::thread([this] { Accept(); });
}

FakeAgent::~FakeAgent() {
  shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  {
    std::lock_guard lock(mu_);
    for (const int fd : connections_) shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  for (const int fd : connections_) close(fd);
  close(listener_);
}

void FakeAgent::Set(const std::string& uri, const Content& content) {
  std::lock_guard lock(mu_);
  contents_[uri] = content;
}

void FakeAgent::SetHandler(std::function<bool(const Request&, Answer&)> handler) {
  std::lock_guard lock(mu_);
  handler_ = std::move(handler);
}

std::vector<FakeAgent::Request> FakeAgent::Requests(const std::string& path) const {
  std::lock_guard lock(mu_);
  std::vector<Request> requests;
  for (const Request& request : requests_) {
    if (path.empty() || request.path == path) requests.push_back(request);
  }
  return requests;
}

void FakeAgent::Accept() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    std::lock_guard lock(mu_);
    connections_.push_back(fd);
    threads_.emplace_back([this, fd] { Serve(fd); });
  }
}

void FakeAgent::Serve(int fd) {
  std::string buffer;
  for (;;) {
    Request request;
    if (!TakeRequest(fd, buffer, request) || !SendAnswer(fd, AnswerTo(request))) break;
  }
  shutdown(fd, SHUT_RDWR);
}

FakeAgent::Answer FakeAgent::AnswerTo(const Request& request) {
  std::function<bool(const Request&, Answer&)> handler;
  {
    std::lock_guard lock(mu_);
    requests_.push_back(request);
    handler = handler_;
  }
  Answer answer;
  if (handler && handler(request, answer)) return answer;
  std::lock_guard lock(mu_);
  if (request.path == "/fill" || request.path == "/join") return Fill(request);
  if (request.method != "GET" && request.method != "HEAD") {
    answer.body = request.method + " " + request.body;
    return answer;
  }
  if (request.Header("strata-form") == "peer") {
    answer.status = 504;
    answer.headers = {{"Strata-Reason", "not held"}};
    return answer;
  }
  const std::string uri =
      "http://" + request.Header("strata-site") + request.Header("strata-target");
  const std::string number = std::to_string(fills_.size() + 1);
  fills_[number] = uri;
  answer.headers = {
      {"X-Accel-Redirect", "/_strata/fill"}, {"Strata-Key", uri}, {"Strata-Fill", number}};
  return answer;
}

FakeAgent::Answer FakeAgent::Fill(const Request& request) {
  Answer answer;
  const auto it = contents_.find(fills_[request.Header("strata-fill")]);
  if (it == contents_.end()) {
    answer.status = 404;
    answer.headers = {{"X-Accel-Expires", "10"}};
    return answer;
  }
  const Content& content = it->second;
  answer.status = content.status;
  answer.headers = {{"ETag", content.etag},
                    {"X-Accel-Expires", std::to_string(content.lifetime_seconds)}};
  if (!content.vary.empty()) answer.headers.emplace_back("Vary", content.vary);
  if (request.Header("if-none-match") == content.etag) {
    answer.status = 304;
  } else {
    answer.body = content.body;
  }
  return answer;
}

}  // namespace strata::engine

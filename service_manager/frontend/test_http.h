#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/address.h"

// What the tests of this room share: a client and an engine that block.
namespace strata::manager::frontend::testing {

struct HttpMessage {
  std::string head;  // With its empty line.
  std::string body;  // Without chunks around it.

  std::string_view StartLine() const;
  // The value of a field, empty if it is not there; its name as `head` spells it.
  std::string Field(const std::string& name) const;
};

// A connection whose calls wait, 10 s at most.
class HttpConnection {
 public:
  explicit HttpConnection(int descriptor) : descriptor_(descriptor) {}
  static HttpConnection To(const Endpoint& endpoint);
  ~HttpConnection();
  HttpConnection(HttpConnection&& other) noexcept;

  // False if the other side has closed.
  bool Send(std::string_view bytes);
  // The next message; nothing if the other side ends, or is silent. `bodiless`: it answers a HEAD.
  std::optional<HttpMessage> Receive(bool bodiless = false);
  // Everything until the other side closes.
  std::string ReceiveToEnd();
  // Closes with a reset.
  void Abort();

 private:
  bool Fill();

  int descriptor_;
  std::string buffer_;
};

// Listens on a free port of 127.0.0.1 or ::1, and answers each request with what a function makes
// of it; an empty answer closes the connection.
class FakeEngine {
 public:
  using Handler = std::function<std::string(const HttpMessage&)>;

  explicit FakeEngine(Handler handler, const char* address = "127.0.0.1");
  ~FakeEngine();

  const Endpoint& endpoint() const { return endpoint_; }
  std::vector<HttpMessage> requests() const;
  int connections() const { return connections_; }

 private:
  void Accept();
  void Serve(int descriptor);

  const Handler handler_;
  Endpoint endpoint_;
  int listener_ = -1;
  std::atomic<int> connections_{0};
  mutable std::mutex mu_;
  std::vector<HttpMessage> requests_;
  std::vector<std::thread> threads_;
  std::vector<int> open_;
  std::thread accepting_;
};

}  // namespace strata::manager::frontend::testing

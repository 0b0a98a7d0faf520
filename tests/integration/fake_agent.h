#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace strata::engine {

// A small HTTP/1.1 server on a unix socket that obeys docs/protocols/agent.md as far as tests of
// nginx's side need it: every miss is a fill, of contents that the test sets. Or the test answers.
class FakeAgent {
 public:
  struct Request {
    std::string method;
    std::string path;
    std::map<std::string, std::string> headers;  // Names in small letters.
    std::string body;

    std::string Header(const std::string& name) const;
  };
  struct Answer {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    size_t cut = std::string::npos;        // The connection ends after so many bytes of the body.
    std::function<void()> before_the_end;  // Called when the first half of the body is out.
  };
  struct Content {
    std::string body;
    std::string etag = "\"v1\"";
    int lifetime_seconds = 300;
    int status = 200;
    std::string vary;
  };

  explicit FakeAgent(const std::string& socket_path);
  ~FakeAgent();

  // Of the origin, by canonical URI.
  void Set(const std::string& uri, const Content& content);
  // Answers instead, if it wants to: false leaves the request to the agent.
  void SetHandler(std::function<bool(const Request&, Answer&)> handler);
  // So far, whose path is this; all if it is empty.
  std::vector<Request> Requests(const std::string& path = "") const;

 private:
  void Accept();
  void Serve(int fd);
  Answer AnswerTo(const Request& request);
  Answer Fill(const Request& request);

  int listener_ = -1;
  mutable std::mutex mu_;
  std::map<std::string, Content> contents_;
  std::function<bool(const Request&, Answer&)> handler_;
  std::vector<Request> requests_;
  std::map<std::string, std::string> fills_;  // URI by number.
  std::vector<int> connections_;
  std::vector<std::thread> threads_;
  std::thread accepting_;
};

}  // namespace strata::engine

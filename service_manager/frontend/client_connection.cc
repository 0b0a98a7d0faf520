#include "service_manager/frontend/client_connection.h"

#include <algorithm>
#include <boost/asio/write.hpp>
#include <utility>

#include "service_manager/frontend/limits.h"

namespace strata::manager::frontend {
namespace {

using boost::asio::ip::tcp;

constexpr Duration kRetryAfter = std::chrono::seconds(5);

bool Contains(const std::vector<IpPrefix>& prefixes, const IpAddress& address) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const IpPrefix& prefix) { return prefix.Contains(address); });
}

std::string_view TextOf(const boost::beast::flat_buffer& buffer) {
  return {static_cast<const char*>(buffer.data().data()), buffer.size()};
}

}  // namespace

ClientConnection::ClientConnection(Worker& worker, tcp::socket socket, const IpAddress& client)
    : worker_(worker),
      socket_(std::move(socket)),
      client_(client),
      operator_(Contains(worker.options().operators, client)),
      buffer_(worker.options().header_bytes_max + kReadBytes) {}

void ClientConnection::Start(Worker::Connections::iterator place) {
  place_ = place;
  boost::system::error_code error;
  socket_.non_blocking(true, error);
  if (!error) socket_.set_option(tcp::no_delay(true), error);
  if (error) return Close();  // The client has gone already.
  now_ = Worker::Now();
  Read();
}

void ClientConnection::Close() {
  if (std::exchange(closed_, true)) return;
  boost::system::error_code ignored;
  socket_.close(ignored);
  if (forward_ != nullptr) std::exchange(forward_, nullptr)->Cancel();
  const auto self = shared_from_this();
  worker_.inquiries().Forget(question_);
  worker_.Remove(place_);
}

void ClientConnection::Sweep(Timestamp now) {
  if (forward_ != nullptr && waiting_ == Waiting::kEngine) return forward_->Sweep(now);
  if (now < deadline_) return;
  Counters& counters = worker_.counters();
  if (waiting_ == Waiting::kRequest) counters.idle_timeouts.Add();
  if (waiting_ == Waiting::kRestOfRequest || waiting_ == Waiting::kReader) {
    counters.request_timeouts.Add();
  }
  Close();
}

void ClientConnection::Read() {
  const Waiting before =
      std::exchange(waiting_, buffer_.size() == 0 ? Waiting::kRequest : Waiting::kRestOfRequest);
  if (waiting_ == Waiting::kRequest) {
    deadline_ = now_ + worker_.options().idle_timeout;
  } else if (before != Waiting::kRestOfRequest) {
    deadline_ = now_ + worker_.options().header_timeout;
  }
  socket_.async_read_some(
      buffer_.prepare(kReadBytes),
      [self = shared_from_this()](const boost::system::error_code& error, size_t bytes) {
        self->OnRead(error, bytes);
      });
}

void ClientConnection::OnRead(const boost::system::error_code& error, size_t bytes) {
  if (closed_) return;
  if (error) return Close();
  buffer_.commit(bytes);
  now_ = Worker::Now();
  Process();
}

void ClientConnection::Process() {
  while (!ends_ && forward_ == nullptr && !IsAsking() && answers_.size() < kAnswerBytesMax) {
    if (!AnswerNext()) break;
  }
  Flush();
}

bool ClientConnection::AnswerNext() {
  if (buffer_.size() == 0) return false;
  RequestHead head;
  const HeadResult result =
      ParseRequestHead(TextOf(buffer_), worker_.options().header_bytes_max, searched_, head);
  if (result == HeadResult::kIncomplete) return false;
  if (result != HeadResult::kComplete) {
    RefuseHead(result);
    return true;
  }
  ++requests_;
  Answer(head);
  Consume(head);
  return true;
}

void ClientConnection::Consume(const RequestHead& head) {
  if (IsAsking()) return;
  // A request that is forwarded is read once more, by who forwards it.
  buffer_.consume(forward_ == nullptr ? head.bytes : head.start);
}

void ClientConnection::RefuseHead(HeadResult result) {
  const Persistence end{.keep = false, .http_1_0 = false};
  switch (result) {
    case HeadResult::kTooLarge:
      return Refuse(Ending::kTooLarge, {.status = 431, .text = "The request's head is too large."},
                    end);
    case HeadResult::kUnknownCoding:
      return Refuse(Ending::kMalformed,
                    {.status = 501, .text = "No transfer coding but chunked is known here."}, end);
    case HeadResult::kUnknownVersion:
      return Refuse(Ending::kMalformed,
                    {.status = 505, .text = "HTTP/1.1 and HTTP/1.0 are known here."}, end);
    default:
      return Refuse(Ending::kMalformed, {.status = 400, .text = "This is no HTTP request."}, end);
  }
}

Persistence ClientConnection::PersistenceAfter(const RequestHead& head, bool reads_body) const {
  // A body that nobody wants is not read: the connection ends instead.
  return {.keep = head.keep_alive && requests_ < worker_.options().requests_per_connection &&
                  !worker_.state().last_requests() && (reads_body || !head.has_body),
          .http_1_0 = head.http_1_0};
}

routing::Request ClientConnection::RequestOf(const RequestHead& head) const {
  return {.method = head.method,
          .host = head.host,
          .target = head.target,
          .origin = head.origin,
          .preflight = !head.cors_method.empty(),
          .client = client_,
          .may_explain = operator_,
          .draw = 0};
}

void ClientConnection::Answer(const RequestHead& head) {
  const Duration wait = worker_.state().AskRate(client_, now_);
  if (wait > Duration::zero()) [[unlikely]] {
    return Refuse(Ending::kRateLimited,
                  {.status = 429,
                   .text = "Too many requests; wait a while.",
                   .retry_after = wait,
                   .head_only = head.method == routing::Method::kHead},
                  PersistenceAfter(head, /*reads_body=*/false));
  }
  if (!CheckReady(head)) return;
  const routing::Decision& decision = worker_.Decide(RequestOf(head));
  if (!AskOthers(decision, head)) Answer(decision, head);
}

bool ClientConnection::CheckReady(const RequestHead& head) {
  if (worker_.IsReady()) [[likely]]
    return true;
  Refuse(Ending::kNotReady,
         {.status = 503,
          .text = "This manager is starting.",
          .retry_after = kRetryAfter,
          .head_only = head.method == routing::Method::kHead},
         PersistenceAfter(head, /*reads_body=*/false));
  return false;
}

bool ClientConnection::AskOthers(const routing::Decision& decision, const RequestHead& head) {
  if (decision.held || worker_.options().locate == nullptr) return false;
  // What changes something is for the origin, whoever has a copy.
  if (head.method != routing::Method::kGet && head.method != routing::Method::kHead) return false;
  switch (decision.outcome) {
    case routing::Outcome::kRedirect:
    case routing::Outcome::kForward:
    case routing::Outcome::kNoEngine:
    case routing::Outcome::kExplain:
      break;
    case routing::Outcome::kPreflight:
    case routing::Outcome::kNoSite:
    case routing::Outcome::kBadRequest:
      return false;
  }
  question_ =
      worker_.inquiries().Ask(decision, [self = shared_from_this()](Inquiries::Copies copies) {
        self->OnLocated(std::move(copies));
      });
  return question_ != 0;
}

void ClientConnection::OnLocated(Inquiries::Copies copies) {
  question_ = 0;
  located_ = std::move(copies);
  if (waiting_ == Waiting::kManagers) AnswerLocated();  // Else when what is before it was written.
}

void ClientConnection::AnswerLocated() {
  now_ = Worker::Now();
  waiting_ = Waiting::kReader;
  RequestHead head;
  // The same as before: nothing was read meanwhile.
  (void)ParseRequestHead(TextOf(buffer_), worker_.options().header_bytes_max, searched_, head);
  const Inquiries::Copies copies = *std::exchange(located_, std::nullopt);
  if (CheckReady(head)) {
    // Without any, somebody here may hold it by now.
    Answer(copies.empty() ? worker_.Decide(RequestOf(head))
                          : worker_.DecideAmong(RequestOf(head), copies),
           head);
  }
  Consume(head);
  Process();
}

void ClientConnection::Answer(const routing::Decision& decision, const RequestHead& head) {
  const Persistence persistence =
      PersistenceAfter(head, decision.outcome == routing::Outcome::kForward);
  const bool head_only = head.method == routing::Method::kHead;
  const auto count = [this](Ending ending) { worker_.counters().Of(ending).Add(); };
  const std::string_view date = worker_.DateLine();
  switch (decision.outcome) {
    case routing::Outcome::kRedirect:
      AppendRedirect(decision, head.method, date, persistence, answers_);
      count(Ending::kRedirected);
      break;
    case routing::Outcome::kForward:
      forward_ = ForwardExchange::Make(worker_, client_, decision, head);
      forward_persistence_ = persistence;
      forward_head_only_ = head_only;
      return;
    case routing::Outcome::kPreflight:
      AppendPreflight(decision, head, date, persistence, answers_);
      count(Ending::kPreflight);
      break;
    case routing::Outcome::kExplain:
      AppendExplanation(decision.explanation, head, date, persistence, answers_);
      count(Ending::kExplained);
      break;
    case routing::Outcome::kNoSite:
      return Refuse(Ending::kNoSite,
                    {.status = 404, .text = "No site has this host.", .head_only = head_only},
                    persistence);
    case routing::Outcome::kNoEngine:
      return Refuse(Ending::kNoEngine,
                    {.status = 503,
                     .text = "No engine can serve this now.",
                     .retry_after = kRetryAfter,
                     .cors = decision.cors,
                     .head_only = head_only},
                    persistence);
    case routing::Outcome::kBadRequest:
      return Refuse(Ending::kMalformed,
                    {.status = 400,
                     .text = MessageOf(decision.problem),
                     .cors = decision.cors,
                     .head_only = head_only},
                    {.keep = false, .http_1_0 = false});
  }
  ends_ = !persistence.keep;
}

void ClientConnection::Refuse(Ending ending, Refusal refusal, Persistence persistence) {
  worker_.counters().Of(ending).Add();
  AppendRefusal(refusal, worker_.DateLine(), persistence, answers_);
  ends_ = !persistence.keep;
}

void ClientConnection::Flush() {
  if (answers_.empty()) return OnFlushed();
  boost::system::error_code error;
  const size_t sent = socket_.write_some(boost::asio::buffer(answers_), error);
  if (sent == answers_.size()) [[likely]] {
    answers_.clear();
    return OnFlushed();
  }
  if (error && error != boost::asio::error::would_block) return Close();
  answers_.erase(0, sent);
  waiting_ = Waiting::kReader;
  deadline_ = now_ + worker_.options().idle_timeout;
  boost::asio::async_write(
      socket_, boost::asio::buffer(answers_),
      [self = shared_from_this()](const boost::system::error_code& failed, size_t) {
        if (self->closed_) return;
        if (failed) return self->Close();
        self->answers_.clear();
        self->now_ = Worker::Now();
        self->OnFlushed();
      });
}

void ClientConnection::OnFlushed() {
  if (ends_) return Linger();
  if (located_) return AnswerLocated();
  if (question_ != 0) {  // Which ends in any case.
    waiting_ = Waiting::kManagers;
    deadline_ = Timestamp::Never();
    return;
  }
  if (forward_ != nullptr) {
    waiting_ = Waiting::kEngine;
    return forward_->Start(
        socket_, buffer_, forward_persistence_,
        [self = shared_from_this()](ForwardResult result) { self->OnForwarded(result); });
  }
  // Whole requests may have waited until there was room for their answers.
  if (TextOf(buffer_).find("\r\n\r\n", searched_) != std::string_view::npos) return Process();
  Read();
}

void ClientConnection::OnForwarded(ForwardResult result) {
  if (closed_) return;
  forward_.reset();
  now_ = Worker::Now();
  Counters& counters = worker_.counters();
  switch (result) {
    case ForwardResult::kAnswered:
    case ForwardResult::kAnsweredToEnd:
      counters.Of(Ending::kForwarded).Add();
      if (result == ForwardResult::kAnsweredToEnd) return Linger();
      return Process();
    case ForwardResult::kUnreachable:
    case ForwardResult::kTimeout:
      Refuse(Ending::kForwardFailed,
             {.status = result == ForwardResult::kTimeout ? 504 : 502,
              .text = "No engine has answered.",
              .retry_after = kRetryAfter,
              .head_only = forward_head_only_},
             {.keep = false, .http_1_0 = false});
      return Flush();
    case ForwardResult::kBroken:
      counters.Of(Ending::kForwardFailed).Add();
      return Close();
  }
}

void ClientConnection::Linger() {
  boost::system::error_code error;
  if (waiting_ != Waiting::kEnd) {
    waiting_ = Waiting::kEnd;
    deadline_ = now_ + kLingerTimeout;
    socket_.shutdown(tcp::socket::shutdown_send, error);
    if (error) return Close();
  }
  buffer_.clear();
  socket_.async_read_some(
      buffer_.prepare(kReadBytes),
      [self = shared_from_this()](const boost::system::error_code& ended, size_t bytes) {
        if (self->closed_) return;
        self->lingered_ += bytes;
        if (ended || self->lingered_ > kLingerBytesMax) return self->Close();
        self->Linger();
      });
}

}  // namespace strata::manager::frontend

#include "service_manager/frontend/worker.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <ctime>
#include <utility>

#include "common/sockaddr.h"
#include "common/system_random.h"
#include "service_manager/frontend/client_connection.h"
#include "service_manager/frontend/limits.h"

namespace strata::manager::frontend {
namespace {

using boost::asio::ip::tcp;

IpAddress AddressOf(const tcp::endpoint& endpoint) {
  const auto found = ToEndpoint(endpoint.data(), static_cast<socklen_t>(endpoint.size()));
  return found ? found->ip.Unmapped() : IpAddress();
}

uint64_t Seed() {
  SystemRandom random;
  return random.Next();
}

}  // namespace

struct Worker::Acceptor {
  Acceptor(boost::asio::io_context& io, const tcp& protocol, int listener)
      : socket(io, protocol, listener), pause(io) {}

  tcp::acceptor socket;
  tcp::endpoint peer;
  boost::asio::steady_timer pause;
};

StatusOr<std::unique_ptr<Worker>> Worker::Make(FrontEndState& state,
                                               std::vector<Listener> listeners) {
  STRATA_ASSIGN_OR_RETURN(directory::LocationReader reader,
                          directory::LocationReader::Register(state.index()));
  std::unique_ptr<Worker> worker(new Worker(state, std::move(reader)));
  for (Listener& listener : listeners) {
    const bool v6 = listener.endpoint().ip.IsV6();
    worker->acceptors_.emplace_back(worker->io_, v6 ? tcp::v6() : tcp::v4(), listener.Release());
  }
  return worker;
}

// Its thread alone touches the sockets; other threads only post.
Worker::Worker(FrontEndState& state, directory::LocationReader reader)
    : state_(state),
      io_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      sweep_timer_(io_),
      inquiries_(io_, state),
      reader_(std::move(reader)),
      random_(Seed()) {}

Worker::~Worker() { Close(); }

void Worker::Run() {
  for (Acceptor& acceptor : acceptors_) Accept(acceptor);
  Sweep();
  io_.run();
}

void Worker::Stop() {
  boost::asio::post(io_, [this] { Close(); });
}

void Worker::Close() {
  stopping_ = true;
  boost::system::error_code ignored;
  for (Acceptor& acceptor : acceptors_) {
    acceptor.socket.close(ignored);
    acceptor.pause.cancel();
  }
  sweep_timer_.cancel();
  while (!connections_.empty()) connections_.front()->Close();
  inquiries_.Close();
  engines_.Clear();
}

void Worker::Accept(Acceptor& acceptor) {
  acceptor.socket.async_accept(
      io_, acceptor.peer,
      [this, &acceptor](const boost::system::error_code& error, tcp::socket socket) {
        OnAccepted(acceptor, error, std::move(socket));
      });
}

void Worker::OnAccepted(Acceptor& acceptor, const boost::system::error_code& error,
                        tcp::socket socket) {
  if (stopping_) return;
  if (error) {
    counters().accept_failures.Add();
    acceptor.pause.expires_after(kAcceptPause);
    acceptor.pause.async_wait([this, &acceptor](const boost::system::error_code& cancelled) {
      if (!cancelled && !stopping_) Accept(acceptor);
    });
    return;
  }
  if (!state_.OpenOne()) {
    counters().connections_refused.Add();
  } else {
    counters().connections.Add();
    const auto place = connections_.emplace(
        connections_.end(),
        std::make_shared<ClientConnection>(*this, std::move(socket), AddressOf(acceptor.peer)));
    (*place)->Start(place);
  }
  Accept(acceptor);
}

void Worker::Remove(Connections::iterator connection) {
  connections_.erase(connection);
  state_.CloseOne();
}

void Worker::Sweep() {
  sweep_timer_.expires_after(kSweepInterval);
  sweep_timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (cancelled || stopping_) return;
    const Timestamp now = Now();
    for (auto it = connections_.begin(); it != connections_.end();) {
      (*it++)->Sweep(now);  // It may remove itself.
    }
    engines_.Sweep(now);
    Sweep();
  });
}

Timestamp Worker::Now() {
  return Timestamp::FromNanos(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                  std::chrono::steady_clock::now().time_since_epoch())
                                  .count());
}

std::string_view Worker::DateLine() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != date_second_) {
    date_second_ = now.tv_sec;
    tm parts{};
    gmtime_r(&now.tv_sec, &parts);
    char text[64];
    const size_t size = strftime(text, sizeof(text), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    date_line_.assign(text, size);
  }
  return date_line_;
}

bool Worker::IsReady() {
  state_.Refresh(snapshot_, snapshot_version_);
  return routing::IsThere(snapshot_);
}

const routing::Decision& Worker::Decide(routing::Request request) {
  request.draw = random_.Next();
  return router_.Decide(snapshot_, request,
                        [this](const farm::ContentKey& key, std::span<directory::Location> out) {
                          directory::LocationReader::Session session(reader_);
                          return session.Find(key, out);
                        });
}

const routing::Decision& Worker::DecideAmong(routing::Request request,
                                             std::span<const federation::LocatedCopy> copies) {
  request.draw = random_.Next();
  return router_.DecideAmong(snapshot_, request, copies);
}

}  // namespace strata::manager::frontend

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"
#include "common/status.h"
#include "common/time.h"
#include "service_manager/directory/location_reader.h"
#include "service_manager/frontend/engine_pool.h"
#include "service_manager/frontend/front_end_state.h"
#include "service_manager/frontend/inquiries.h"
#include "service_manager/frontend/listener.h"
#include "service_manager/routing/any_router.h"

namespace strata::manager::frontend {

class ClientConnection;

// One thread of a front end: its event loop, the sockets that it listens on, its connections. All
// but Stop belongs to the thread that is in Run, or to nobody before.
class Worker {
 public:
  using Connections = std::list<std::shared_ptr<ClientConnection>>;

  // ResourceExhausted when the index has too many readers.
  static StatusOr<std::unique_ptr<Worker>> Make(FrontEndState& state,
                                                std::vector<Listener> listeners);
  ~Worker();

  // Serves until Stop.
  void Run();
  // Any thread; at once, Run returns soon after.
  void Stop();

  // ---- For connections.

  boost::asio::io_context& io() { return io_; }
  FrontEndState& state() { return state_; }
  Counters& counters() { return state_.counters(); }
  const FrontEndOptions& options() const { return state_.options(); }
  EnginePool& engines() { return engines_; }
  Inquiries& inquiries() { return inquiries_; }

  static Timestamp Now();
  // A Date field with the end of its line.
  std::string_view DateLine();
  // Goes over to what was published last; false if there is nothing to answer requests from.
  bool IsReady();
  // `request` with its draw filled in, when it IsReady. Valid until the next call.
  const routing::Decision& Decide(routing::Request request);
  // The same among the copies that other managers have named; as long as these, too.
  const routing::Decision& DecideAmong(routing::Request request,
                                       std::span<const federation::LocatedCopy> copies);

  void Remove(Connections::iterator connection);

 private:
  struct Acceptor;

  Worker(FrontEndState& state, directory::LocationReader reader);

  void Accept(Acceptor& acceptor);
  void OnAccepted(Acceptor& acceptor, const boost::system::error_code& error,
                  boost::asio::ip::tcp::socket socket);
  void Sweep();
  void Close();

  FrontEndState& state_;
  boost::asio::io_context io_;
  std::list<Acceptor> acceptors_;
  boost::asio::steady_timer sweep_timer_;
  bool stopping_ = false;

  Connections connections_;
  EnginePool engines_;
  Inquiries inquiries_;

  directory::LocationReader reader_;
  routing::AnyRouter router_;
  SeededRandom random_;
  routing::AnySnapshot snapshot_;
  uint64_t snapshot_version_ = 0;

  int64_t date_second_ = -1;
  std::string date_line_;
};

}  // namespace strata::manager::frontend

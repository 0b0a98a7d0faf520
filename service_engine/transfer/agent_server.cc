#include "service_engine/transfer/agent_server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "service_engine/transfer/agent_context.h"
#include "service_engine/transfer/fill.h"
#include "service_engine/transfer/limits.h"
#include "service_engine/transfer/session.h"

namespace strata::engine::transfer {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;

constexpr size_t kSocketPathMax = 107;

Status Check(const AgentOptions& options) {
  if (options.socket_path.empty() || options.socket_path.size() > kSocketPathMax) {
    return InvalidArgument("\"%s\": a socket's path has 1 to %zu bytes",
                           options.socket_path.c_str(), kSocketPathMax);
  }
  if (options.threads < 1 || options.threads > kThreadsMax) {
    return InvalidArgument("threads: is not between 1 and %zu", kThreadsMax);
  }
  if (options.loop_token.empty() || options.self_name.empty()) {
    return InvalidArgument("an agent has a name and a token for CDN-Loop");
  }
  return Spool::Create(options.spool_folder, 0).status();
}

// Removes the socket of an agent that is no more.
Status ClearPath(asio::io_context& io, const std::string& path) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) return Ok();
  if (!S_ISSOCK(found.st_mode)) return AlreadyExists("%s: there, and no socket", path.c_str());
  stream_protocol::socket probe(io);
  error_code refused;
  probe.connect(stream_protocol::endpoint(path), refused);
  if (!refused) return AlreadyExists("%s: another agent answers there", path.c_str());
  if (unlink(path.c_str()) == 0) return Ok();
  return Unavailable("%s: %s", path.c_str(), std::strerror(errno));
}

Status Listen(stream_protocol::acceptor& acceptor, const AgentOptions& options) {
  error_code error;
  acceptor.open(stream_protocol(), error);
  if (!error) acceptor.bind(stream_protocol::endpoint(options.socket_path), error);
  if (!error && chmod(options.socket_path.c_str(), options.socket_mode) != 0) {
    error = error_code(errno, boost::system::system_category());
  }
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return Ok();
  const std::string why = error.message();
  return Unavailable("%s: %s", options.socket_path.c_str(), why.c_str());
}

asio::awaitable<void> Accept(AgentContext& agent, stream_protocol::acceptor& acceptor) {
  asio::steady_timer pause(acceptor.get_executor());
  while (acceptor.is_open()) {
    auto [error, socket] = co_await acceptor.async_accept(asio::make_strand(agent.io), kAwait);
    if (error == asio::error::operation_aborted) break;
    if (error) {
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(kAwait);
      continue;
    }
    if (agent.connections >= agent.options.connections_max) {
      agent.counters.connections_refused.Add();
      continue;
    }
    agent.counters.connections.Set(static_cast<double>(++agent.connections));
    const auto strand = socket.get_executor();
    asio::co_spawn(strand, Serve(agent, stream_protocol::socket(std::move(socket))),
                   asio::detached);
  }
}

asio::awaitable<void> CloseIdleConnections(AgentContext& agent) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (true) {
    timer.expires_after(kOriginIdle / 4);
    co_await timer.async_wait(kAwait);
    agent.pool.CloseIdle(std::chrono::steady_clock::now());
  }
}

}  // namespace

AgentContext::AgentContext(AgentOptions the_options, AgentTable& the_table, MetricRegistry& metrics,
                           std::unique_ptr<OriginTrust> the_trust)
    : options(std::move(the_options)),
      identity{options.self_name, options.loop_token},
      table(the_table),
      counters(metrics),
      trust(std::move(the_trust)),
      pool(counters.origin_idle),
      fetches(
          FillBoardLimits{.fetches_max = options.fills_max,
                          .held_max = kHeldPerFetch * options.fills_max},
          [this](const std::shared_ptr<Fetch>& fetch, uint32_t round) {
            StartFill(*this, fetch, round);
          },
          counters.in_flight),
      io(static_cast<int>(options.threads)) {}

class AgentServer::Impl {
 public:
  Impl(const AgentOptions& options, AgentTable& table, MetricRegistry& metrics,
       std::unique_ptr<OriginTrust> trust)
      : agent_(options, table, metrics, std::move(trust)),
        acceptor_(asio::make_strand(agent_.io)) {}
  ~Impl() { Stop(); }

  Status Start() {
    STRATA_RETURN_IF_ERROR(ClearPath(agent_.io, agent_.options.socket_path));
    STRATA_RETURN_IF_ERROR(Listen(acceptor_, agent_.options));
    listening_ = true;
    asio::co_spawn(acceptor_.get_executor(), Accept(agent_, acceptor_), asio::detached);
    asio::co_spawn(agent_.io, CloseIdleConnections(agent_), asio::detached);
    for (size_t i = 0; i < agent_.options.threads; ++i) {
      threads_.emplace_back([this] { agent_.io.run(); });
    }
    return Ok();
  }

  void Stop() {
    if (std::exchange(stopped_, true)) return;
    agent_.fetches.CutAll();
    agent_.io.stop();
    for (std::thread& thread : threads_) thread.join();
    agent_.pool.Clear();
    if (listening_) unlink(agent_.options.socket_path.c_str());
  }

  AgentContext& agent() { return agent_; }

 private:
  AgentContext agent_;
  stream_protocol::acceptor acceptor_;
  std::vector<std::thread> threads_;
  bool listening_ = false;
  bool stopped_ = false;
};

AgentServer::AgentServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AgentServer::~AgentServer() = default;

StatusOr<std::unique_ptr<AgentServer>> AgentServer::Start(const AgentOptions& options,
                                                          AgentTable& table,
                                                          MetricRegistry& metrics) {
  STRATA_RETURN_IF_ERROR(Check(options));
  STRATA_ASSIGN_OR_RETURN(auto trust, OriginTrust::Create(options.extra_ca_file));
  auto impl = std::make_unique<Impl>(options, table, metrics, std::move(trust));
  STRATA_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<AgentServer>(new AgentServer(std::move(impl)));
}

Status AgentServer::EndFetches(std::span<const farm::ContentKey> keys, Duration patience) {
  return impl_->agent().fetches.EndOlder(keys, patience);
}

Status AgentServer::EndFetchesOf(std::string_view site, Duration patience) {
  return impl_->agent().fetches.EndSite(site, patience);
}

void AgentServer::GiveUp() { impl_->agent().fetches.GiveUp(); }

size_t AgentServer::fetches() const { return impl_->agent().fetches.size(); }

void AgentServer::Stop() { impl_->Stop(); }

}  // namespace strata::engine::transfer

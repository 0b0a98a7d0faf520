#include "service_manager/frontend/front_end.h"

#include <system_error>
#include <thread>
#include <utility>

#include "common/log.h"
#include "common/quantity.h"
#include "common/unique_fd.h"
#include "service_manager/frontend/front_end_state.h"
#include "service_manager/frontend/limits.h"
#include "service_manager/frontend/listener.h"
#include "service_manager/frontend/worker.h"

namespace strata::manager::frontend {
namespace {

Status CheckClientLimit(double rate, double burst) {
  if (rate >= 0 && (rate == 0 || burst >= 1)) return Ok();
  return InvalidArgument("front end: a client's rate below 0, or its burst below 1");
}

Status CheckOptions(const FrontEndOptions& options) {
  const size_t endpoints = options.listen.size() + options.floating.size();
  if (endpoints == 0 || endpoints > kListenMax) {
    return InvalidArgument("front end: %zu endpoints to listen on, instead of 1 to %zu", endpoints,
                           kListenMax);
  }
  if (options.threads == 0 || options.threads > kThreadsMax) {
    return InvalidArgument("front end: %zu threads, instead of 1 to %zu", options.threads,
                           kThreadsMax);
  }
  if (options.header_bytes_max < 256 || options.header_bytes_max > kHeaderBytesCeiling) {
    return InvalidArgument("front end: heads of %zu bytes, instead of 256 to %zu",
                           options.header_bytes_max, kHeaderBytesCeiling);
  }
  if (options.requests_per_connection == 0 || options.connections_max == 0) {
    return InvalidArgument("front end: no connections, or no requests of one");
  }
  STRATA_RETURN_IF_ERROR(CheckClientLimit(options.client_rate, options.client_burst));
  for (const Duration timeout :
       {options.idle_timeout, options.header_timeout, options.engine_connect_timeout,
        options.engine_timeout, options.locate_timeout}) {
    if (timeout <= Duration::zero()) return InvalidArgument("front end: a timeout of nothing");
  }
  if (options.locate_timeout > federation::kLocateTimeMax) {
    return InvalidArgument("front end: other managers are not asked for longer than %s",
                           FormatDuration(federation::kLocateTimeMax).c_str());
  }
  return Ok();
}

}  // namespace

class FrontEnd::Impl {
 public:
  Impl(const FrontEndOptions& options, directory::LocationIndex& index, MetricRegistry& metrics)
      : state_(options, index, metrics) {}
  ~Impl() { Stop(); }

  Status Start() {
    endpoints_ = state_.options().listen;
    const std::vector<Endpoint>& floating = state_.options().floating;
    endpoints_.insert(endpoints_.end(), floating.begin(), floating.end());
    for (size_t i = 0; i < state_.options().threads; ++i) {
      STRATA_RETURN_IF_ERROR(AddWorker());
    }
    try {
      for (const auto& worker : workers_) {
        threads_.emplace_back([&worker] { worker->Run(); });
      }
    } catch (const std::system_error& error) {
      Stop();
      return ResourceExhausted("front end: no thread: %s", error.what());
    }
    return Ok();
  }

  void Stop() {
    for (const auto& worker : workers_) worker->Stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    workers_.clear();
    floating_.clear();
  }

  void SetDeaf(bool deaf) {
    for (const UniqueFd& listener : floating_) {
      const Status done = SetListenerDeaf(listener.get(), deaf);
      // Some connections are cut in the change, then, and no more.
      if (!done.ok()) Logger("frontend").Warning(MessageOf(done));
    }
  }

  FrontEndState& state() { return state_; }
  const std::vector<Endpoint>& endpoints() const { return endpoints_; }

 private:
  // Each worker has sockets of its own; the kernel spreads connections over them.
  Status AddWorker() {
    std::vector<Listener> listeners;
    for (Endpoint& endpoint : endpoints_) {
      const bool own = listeners.size() < state_.options().listen.size();
      STRATA_ASSIGN_OR_RETURN(
          Listener listener,
          Listener::Open(endpoint, own ? Listener::Address::kOwn : Listener::Address::kFloating));
      if (!own) STRATA_RETURN_IF_ERROR(KeepFloating(listener));
      endpoint = listener.endpoint();  // Where port 0 was asked for, the others take the same.
      listeners.push_back(std::move(listener));
    }
    STRATA_ASSIGN_OR_RETURN(std::unique_ptr<Worker> worker,
                            Worker::Make(state_, std::move(listeners)));
    workers_.push_back(std::move(worker));
    return Ok();
  }

  Status KeepFloating(const Listener& listener) {
    STRATA_ASSIGN_OR_RETURN(UniqueFd same, listener.Duplicate());
    floating_.push_back(std::move(same));
    return Ok();
  }

  FrontEndState state_;
  std::vector<Endpoint> endpoints_;
  std::vector<UniqueFd> floating_;  // The workers' sockets on floating addresses.
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
};

StatusOr<std::unique_ptr<FrontEnd>> FrontEnd::Start(const FrontEndOptions& options,
                                                    directory::LocationIndex& index,
                                                    MetricRegistry& metrics) {
  STRATA_RETURN_IF_ERROR(CheckOptions(options));
  auto impl = std::make_unique<Impl>(options, index, metrics);
  STRATA_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<FrontEnd>(new FrontEnd(std::move(impl)));
}

FrontEnd::FrontEnd(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FrontEnd::~FrontEnd() = default;

void FrontEnd::Publish(routing::AnySnapshot snapshot) {
  impl_->state().Publish(std::move(snapshot));
}

Status FrontEnd::SetClientLimit(double rate, double burst) {
  STRATA_RETURN_IF_ERROR(CheckClientLimit(rate, burst));
  impl_->state().SetLimit({.rate = rate, .burst = burst});
  return Ok();
}

std::vector<Endpoint> FrontEnd::endpoints() const { return impl_->endpoints(); }

void FrontEnd::SetLastRequests(bool last) { impl_->state().SetLastRequests(last); }

void FrontEnd::SetDeaf(bool deaf) { impl_->SetDeaf(deaf); }

void FrontEnd::Stop() { impl_->Stop(); }

}  // namespace strata::manager::frontend

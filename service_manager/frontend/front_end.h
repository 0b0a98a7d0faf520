#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/ip_prefix.h"
#include "common/metrics.h"
#include "common/status.h"
#include "common/time.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/federation/locate/locate_messages.h"
#include "service_manager/routing/any_router.h"

namespace strata::manager::frontend {

// Asks other managers where copies of a content are (docs/protocols/federation.md, 4). Called by
// the front end's threads, which it must not keep waiting, with key, URI and time_left set. `done`
// is called once: by any thread, at once as well, and after the front end is gone.
using LocateDone = std::function<void(StatusOr<federation::LocateAnswer>)>;
using Locate = std::function<void(federation::LocateQuestion question, LocateDone done)>;

struct FrontEndOptions {
  std::vector<Endpoint> listen;  // At least one, or a floating one; port 0 takes a free one.
  // Listened on too, though this machine may not have these addresses yet. Their ports are given.
  std::vector<Endpoint> floating;
  size_t threads = 1;  // At most kThreadsMax.

  size_t connections_max = 50'000;      // Of clients; what comes beyond is closed at once.
  size_t header_bytes_max = 16 * 1024;  // Of a request, its target included; beyond: 431.
  size_t requests_per_connection = 100'000;
  Duration idle_timeout = std::chrono::seconds(60);    // Between two requests.
  Duration header_timeout = std::chrono::seconds(15);  // From a request's first byte to its last.

  // Requests a second that one client may make in the mean (an IPv6 /64 is one client), and at
  // once; 0: no limit. Beyond: 429.
  double client_rate = 0;
  double client_burst = 1000;

  // Who may ask `?strata=explain`; to others this is a parameter like any other.
  std::vector<IpPrefix> operators;

  // Of forward sites: how long an engine may take to accept a connection, and to go on with an
  // answer.
  Duration engine_connect_timeout = std::chrono::seconds(2);
  Duration engine_timeout = std::chrono::seconds(60);

  // Asked for each GET and HEAD of a content that nobody is known to hold, before it is answered.
  // Empty: nobody is asked.
  Locate locate = nullptr;
  Duration locate_timeout = std::chrono::milliseconds(300);  // Then it is answered without.
  size_t locates_max = 4096;  // Questions that are open; who comes beyond is answered without.
  std::string scope = {};     // This manager's: copies there are known here, and not looked at.
};

// The Service Manager's HTTP front end: answers clients' requests from the index and the newest
// snapshot, with redirects or, for forward sites, with what it fetches from an engine. HTTP/1.1 and
// 1.0, IPv4 and IPv6. Runs threads of its own.
//
// Publish and endpoints may be called by any thread and do not wait; Stop by one thread.
class FrontEnd {
 public:
  // Listens on all endpoints, or says on which it cannot and why; InvalidArgument for options that
  // make no sense. Until the first Publish every request gets a 503. `index` and `metrics` must
  // outlive it; each thread is one reader of the index.
  static StatusOr<std::unique_ptr<FrontEnd>> Start(const FrontEndOptions& options,
                                                   directory::LocationIndex& index,
                                                   MetricRegistry& metrics);
  ~FrontEnd();  // Stops.
  FrontEnd(const FrontEnd&) = delete;
  FrontEnd& operator=(const FrontEnd&) = delete;

  // What requests are answered from, from now on: the snapshot of a farm, or of a manager above
  // level 1; null: nothing is known any more.
  void Publish(routing::AnySnapshot snapshot);

  // Requests a second, and at once, that one client may make from now on, as client_rate and
  // client_burst. InvalidArgument, and nothing changed, if they make no sense. One thread at a
  // time.
  Status SetClientLimit(double rate, double burst);

  // The floating addresses are about to be another machine's: each client's connection ends after
  // its next answer; then `deaf`: on those addresses no connection begins any more, nor is it
  // refused, so that the client's second try reaches the other machine. Any thread.
  void SetLastRequests(bool last);
  void SetDeaf(bool deaf);

  // Where it listens, in the order of the options, floating ones last, with the ports that were
  // taken.
  std::vector<Endpoint> endpoints() const;

  // Closes everything and ends the threads; what was being answered is cut off. Waits for them:
  // milliseconds.
  void Stop();

 private:
  class Impl;

  explicit FrontEnd(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::manager::frontend

#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/time.h"
#include "common/tls/manager_channel.h"
#include "common/tls/tls_files.h"
#include "farm/content_key.h"
#include "proto/site_flow.pb.h"
#include "service_manager/site_flow/flow_messages.h"
#include "service_manager/site_flow/flow_state.h"

namespace strata::manager::site_flow {

// The report with how the entry has ended where.
v1::PurgeReport WithOutcome(v1::PurgeReport report,
                            const std::vector<sites::ScopeOutcome>& outcomes);

// Purges of sites that are for more than the engines of this manager's own farm: an order climbs to
// the site's home, is appended to its log there, and is answered when all beneath have done it, or
// the time is over. Any thread; each call waits.
class PurgeOrders {
 public:
  struct Options {
    // HOST:PORT of the parent's managers, asked in this order; none: there is no parent.
    std::function<std::vector<std::string>()> parents;
    // How long an answer waits for confirmations.
    Duration wait = std::chrono::seconds(10);
    // Scopes beneath that hold one of these contents, as far as the directory knows; null: nobody
    // asks it.
    std::function<std::set<std::string>(const std::vector<farm::ContentKey>& keys)> holders;
  };

  PurgeOrders(Options options, FlowState& state, std::shared_ptr<const tls::TlsStore> tls);

  void SetWait(Duration wait) { wait_ = wait; }

  // Whether purges of this site go this way: it has another home, or this manager is above level 1.
  // Else its farm's own orders do it (control/orders.h). NotFound.
  StatusOr<bool> Takes(const std::string& site) const;

  // An operator's order: canonical URIs of one site, at most farm::kMaxPurgedKeys. NotFound;
  // Unavailable: the way to the site's home is broken. What was appended is done sooner or later,
  // whatever the report says.
  StatusOr<v1::PurgeReport> Purge(const std::string& site, const std::vector<std::string>& uris,
                                  const std::string& by);
  // One that came from this child. Also InvalidArgument; FailedPrecondition: the site is another
  // one here, or not for the child; ResourceExhausted.
  StatusOr<v1::PurgeReport> OfChild(const std::string& child, const v1::OrderPurgeRequest& request,
                                    std::chrono::system_clock::time_point deadline);

 private:
  StatusOr<v1::PurgeReport> AtHome(const v1::OrderPurgeRequest& request, Duration wait);
  StatusOr<v1::PurgeReport> Await(const std::string& site, const farm::Purged& entry,
                                  Duration wait);
  StatusOr<v1::PurgeReport> Above(const v1::OrderPurgeRequest& request, Duration wait);
  std::shared_ptr<grpc::Channel> ChannelTo(const std::string& address);

  const Options options_;
  FlowState& state_;
  std::atomic<Duration> wait_;
  std::atomic<int> under_way_ = 0;
  absl::Mutex order_;  // Entries are told in the order of their positions.
  absl::Mutex mutex_;
  tls::ManagerChannelMap channels_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::manager::site_flow

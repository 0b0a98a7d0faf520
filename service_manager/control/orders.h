#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/member/farm_member.h"
#include "service_manager/control/farm_control.h"

namespace strata::manager::control {

inline constexpr size_t kPurgeUrisMax = 1000;  // Of one order.

// What operators order: made durable, told to the farm, waited for until every engine has done it
// or the limit is over. Any thread; each call waits. Errors are sentences for the operator.
class Orders {
 public:
  struct Limits {
    Duration purge = std::chrono::seconds(10);
    Duration site = std::chrono::seconds(20);
    Duration other = std::chrono::seconds(10);
    // Within this an engine that was cut off serves nothing any more: when it hears nobody, it
    // notices at its next look, and its server takes that over. A purge is not answered before.
    Duration closes = farm::kInTouchWithin + std::chrono::seconds(2);
  };

  Orders(FarmControl& control, RandomSource& random, const Limits& limits)
      : control_(control), random_(random), limits_(limits), purge_wait_(limits.purge) {}

  // How long orders to purge wait from now on, Limits::purge.
  void SetPurgeWait(Duration wait) { purge_wait_ = wait; }

  struct SiteOutcome {
    farm::Site site;  // With its new version.
    std::vector<std::string> differences;
    std::vector<std::string> away;  // Engines that take it when they return.
  };
  // Applies a site file. An engine whose server refuses it makes all go back to the version before:
  // FailedPrecondition with the server's words.
  StatusOr<SiteOutcome> ApplySite(const std::string& file_name, const std::string& yaml,
                                  const std::string& by, bool dry_run);
  StatusOr<SiteOutcome> RollbackSite(const std::string& name, uint64_t version,
                                     const std::string& by);
  Status RemoveSite(const std::string& name);

  struct PurgeConfirmation {
    std::string engine;
    bool confirmed = false;
    uint32_t dropped = 0;
    std::string problem;
  };
  struct PurgeOutcome {
    std::string site;
    uint64_t position = 0;
    std::vector<std::string> uris;  // Canonical.
    std::vector<PurgeConfirmation> engines;
  };
  // Purges contents of any sites, a log entry for each site. With an error nothing is purged:
  // InvalidArgument for a URI that is none, NotFound for one of no site, Unavailable if this
  // manager does not lead its farm.
  StatusOr<std::vector<PurgeOutcome>> Purge(const std::vector<std::string>& uris,
                                            const std::string& by);

  Status Drain(const std::string& engine, bool draining);
  Status RemoveEngine(const std::string& engine);

  struct MemberDigest {
    std::string name;
    std::string digest;
    bool equal = false;
    bool light = false;  // Equal: to what a light engine should have.
    std::string problem;
  };
  struct Verification {
    uint64_t commit_number = 0;
    std::string digest;
    bool equal = false;
    std::vector<MemberDigest> members;
  };
  // Asks every engine for the digest of its state as of one commit.
  StatusOr<Verification> Verify();

  // The identity of a URI as people write it: its site, canonical URI and key.
  struct Named {
    farm::Site site;
    std::string canonical;
    farm::ContentKey key;
  };
  StatusOr<Named> Name(const std::string& uri) const;

 private:
  struct Present {
    std::vector<farm::EngineId> ids;              // Engines in the view.
    std::map<farm::EngineId, std::string> names;  // Of all registered ones.
    std::vector<std::string> away;
  };
  Present WhoIsThere() const;
  // FailedPrecondition if some member of the farm would not understand the site.
  Status CheckUnderstood(const farm::Site& site) const;
  StatusOr<SiteOutcome> TellSite(const SiteDesk::Plan& plan, const std::string& by,
                                 bool may_return);
  // Until those who are away serve nothing, at most for `limit`.
  void AwaitClosed(Duration limit);
  PurgeOutcome Await(Confirmations::Waiter& waiter, const farm::Purged& entry,
                     const std::vector<std::string>& uris, const Status& told);

  FarmControl& control_;
  RandomSource& random_;
  const Limits limits_;
  std::atomic<Duration> purge_wait_;
  absl::Mutex site_order_;   // One change of sites at a time, so that they are told in their order.
  absl::Mutex purge_order_;  // Positions are told in their order.
};

}  // namespace strata::manager::control

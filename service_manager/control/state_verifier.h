#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/random.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/member/farm_member.h"
#include "service_manager/control/digest_watch.h"
#include "service_manager/control/event_log.h"

namespace strata::manager::control {

// How often the members' states are compared without anybody asking for it.
inline constexpr Duration kVerifyEvery = std::chrono::minutes(1);

// Compares the engines' states with this manager's: asks for their digests now and then, and takes
// what they answer to any question. Any thread, but AskIfDue: one.
class StateVerifier {
 public:
  StateVerifier(Duration every, RandomSource& random, EventLog& events, MetricRegistry& metrics);

  // Asks all members, if it is time to. What they answer comes by OnTold.
  void AskIfDue(farm::FarmMember& member);

  // A question, by whoever asked: this manager's own state is noted as of it. On the group's
  // thread.
  void OnAsked(const farm::DigestAsked& asked, const farm::FarmMember& member);
  void OnTold(const farm::DigestTold& told, const farm::FarmMember& member);
  void OnView(const std::vector<farm::EngineId>& engines);

  // This manager's digest as of the question of this number; NotFound if it was not delivered here,
  // or long ago.
  StatusOr<DigestWatch::Own> DigestOf(uint64_t number) const;
  // The number of the last question that showed that this engine's state differs; 0: it does not.
  uint64_t DifferedAt(farm::EngineId engine) const;
  // Who differed when it was compared last.
  std::vector<farm::EngineId> Differing() const;

 private:
  const Duration every_;
  RandomSource& random_;
  EventLog& events_;
  Counter& asked_;
  Counter& differed_;
  Gauge& differing_;
  Timestamp next_;  // When it asks; of AskIfDue.

  mutable absl::Mutex mutex_;
  DigestWatch digests_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::manager::control

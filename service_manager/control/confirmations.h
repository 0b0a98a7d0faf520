#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/time.h"
#include "farm/engine.h"
#include "farm/messages.h"

namespace strata::manager::control {

// Answers of engines to what the farm was told: who has applied an entry of a purge log, who serves
// by a version of a site, whose digest is which. Whoever waits says first for whom and then tells
// the farm, so that no answer is missed. Any thread.
class Confirmations {
 public:
  enum class Kind : uint8_t { kPurge, kSite, kDigest };
  struct Subject {
    Kind kind = Kind::kPurge;
    std::string site;     // Empty for a digest.
    uint64_t number = 0;  // Position, version, number.

    friend auto operator<=>(const Subject&, const Subject&) = default;
  };
  struct Answer {
    uint32_t dropped = 0;      // Of a purge.
    farm::TableDigest digest;  // Of a digest.
    std::string problem;       // Empty: done.
  };
  using Answers = std::map<farm::EngineId, Answer>;

  // Somebody who waits for answers to one subject; forgets them at its end.
  class Waiter {
   public:
    ~Waiter();
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    // Until all of `engines` have answered or left, the limit is over, or nobody waits any more.
    // Gives the answers that came; those of others too.
    Answers Wait(const std::vector<farm::EngineId>& engines, Duration limit);

   private:
    friend class Confirmations;
    Waiter(Confirmations& all, Subject subject) : all_(all), subject_(std::move(subject)) {}

    Confirmations& all_;
    const Subject subject_;
    Answers answers_;  // Under all_'s mutex.
  };

  std::unique_ptr<Waiter> Expect(Subject subject);
  // Waits so long, or until nobody waits any more.
  void Pause(Duration time);
  // The process is to end: all waiting is over, now and later.
  void GiveUp();

  // ---- From the group's thread.
  void OnMessage(const farm::Message& message);
  // Engines of the view; nobody waits for others any more.
  void OnView(std::vector<farm::EngineId> members);

 private:
  void Take(const Subject& subject, farm::EngineId engine, Answer answer);

  absl::Mutex mutex_;
  std::multimap<Subject, Waiter*> waiters_ ABSL_GUARDED_BY(mutex_);
  std::vector<farm::EngineId> members_ ABSL_GUARDED_BY(mutex_);
  bool given_up_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace strata::manager::control

#pragma once

#include <cstdint>
#include <string>

#include "common/time.h"
#include "farm/engine.h"

namespace strata::engine {

struct HealthSettings {
  int down_after = 3;  // Own probes in a row that fail.
  int up_after = 2;    // And that succeed again. The same numbers hold for another member's probes.
  double errors_degrade = 0.05;  // Share of 5xx among a window's requests.
  double errors_recover = 0.02;
  uint64_t errors_least = 20;  // Requests in a window that say anything.
  Duration window = std::chrono::seconds(10);
  Duration disk_error_hold = std::chrono::seconds(30);  // A disk error degrades for so long.
};

// Up means serving: judges from probes through nginx's public listener, by this engine's agent and
// by another member, from the share of 5xx, and from the disk, whether the engine is up, degraded
// or down, with hysteresis, so that one bad moment changes nothing and one good one neither. Pure;
// one thread.
class HealthJudge {
 public:
  explicit HealthJudge(const HealthSettings& settings = {}) : settings_(settings) {}

  // ---- What is observed.
  // The agent's own probe: an empty `error` is a success.
  void OnOwnProbe(const std::string& error);
  // The probe of another member, which the farm has named for it.
  void OnPeerProbe(const std::string& error);
  void OnRequest(int status, Timestamp now);
  void OnDiskError(const std::string& error, Timestamp now);
  void OnDiskFull(bool full) { disk_full_ = full; }

  // ---- The verdict.
  struct Verdict {
    farm::Health health = farm::Health::kUp;
    std::string reason;  // Why it is not up: the worst first. At most farm::kMaxReason bytes.

    friend bool operator==(const Verdict&, const Verdict&) = default;
  };
  // May change by time alone: ask at least once a window.
  Verdict Judge(Timestamp now);

 private:
  // Bad after so many failures in a row, good after so many successes.
  class Streak {
   public:
    void On(const std::string& error, int bad_after, int good_after);
    bool bad() const { return bad_; }
    const std::string& error() const { return error_; }

   private:
    bool bad_ = false;
    int run_ = 0;  // Results in a row that speak against `bad_`.
    std::string error_;
  };

  void CloseWindow(Timestamp now);

  HealthSettings settings_;
  Streak own_;
  Streak peer_;
  Timestamp window_start_;
  uint64_t requests_ = 0;
  uint64_t errors_ = 0;
  bool failing_ = false;  // The share of 5xx degrades it.
  int failing_percent_ = 0;
  Timestamp disk_bad_until_;
  std::string disk_error_;
  bool disk_full_ = false;
};

}  // namespace strata::engine

#pragma once

#include <chrono>

#include "common/time.h"

namespace strata::manager::address {

// How often the kernel is told to keep the addresses for a lifetime more.
inline constexpr Duration kRenewEvery = std::chrono::milliseconds(200);
// Announcements after a take: at once, at this interval for as long as the one before may still
// have the addresses, then at intervals that double, up to the longest.
inline constexpr Duration kAnnounceFirst = std::chrono::milliseconds(100);
inline constexpr Duration kAnnounceOften = std::chrono::seconds(3);
inline constexpr Duration kAnnounceLongest = std::chrono::seconds(30);

// When the floating addresses are put on their interface, announced and removed. Pure.
class HoldPlan {
 public:
  // `lifetime`: how long the kernel keeps an address that nobody renews, at least.
  explicit HoldPlan(Duration lifetime) : lifetime_(lifetime) {}

  enum class Change {
    kNone,
    kTake,    // Put them there: they were not.
    kRetake,  // The same: the last renewal is so long ago that the kernel may have removed them.
    kRenew,
    kDrop,  // Remove them.
  };
  struct Step {
    Change change = Change::kNone;
    bool announce = false;
  };
  // `may_hold`: as of `now`. A step that failed is reported by Failed before the next one.
  Step Next(bool may_hold, Timestamp now);
  // What the last step said could not be done: it comes again.
  void Failed();

  bool held() const { return held_; }

 private:
  Step Hold(Timestamp now);

  const Duration lifetime_;
  bool held_ = false;
  bool dirty_ = false;  // A removal failed.
  Change last_ = Change::kNone;
  Timestamp renewed_;
  Timestamp taken_;
  Timestamp announce_at_;
  Duration announce_interval_{};
};

}  // namespace strata::manager::address

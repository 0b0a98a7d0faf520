#pragma once

#include <chrono>
#include <cstdint>

#include "common/time.h"

namespace strata::manager::address {

// How often the kernel is told to keep the addresses for a lifetime more.
inline constexpr Duration kRenewEvery = std::chrono::milliseconds(200);
// Announcements after a take: at once, at this interval for as long as the one before may still
// have the addresses, then at intervals that double, up to the longest.
inline constexpr Duration kAnnounceFirst = std::chrono::milliseconds(100);
inline constexpr Duration kAnnounceOften = std::chrono::seconds(3);
inline constexpr Duration kAnnounceLongest = std::chrono::seconds(30);

// An orderly change of the leader: the old one has its clients' connections end, then lets none
// begin, and drops the addresses last. The new one takes them meanwhile. So no connection is cut in
// the middle of a request.
inline constexpr Duration kCloseFor = std::chrono::milliseconds(150);
inline constexpr Duration kDropAfter = std::chrono::milliseconds(250);
inline constexpr Duration kTakeAfter = std::chrono::milliseconds(200);

// What a process may do with the floating addresses.
enum class Claim : uint8_t {
  kNone,         // Nothing: it may be cut off, or there is no leader.
  kYields,       // Another one leads, and this process has heard so.
  kLeads,        // It leads, and who led before is gone.
  kLeadsBehind,  // It leads, and who led before is there and gives them up in an orderly way.
};

// How the front end is to treat clients.
enum class Welcome : uint8_t {
  kOpen,
  kLast,  // Each connection ends after the answer to its next request.
  kNone,  // And on the floating addresses none begins.
};

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
    Welcome welcome = Welcome::kOpen;
  };
  // `claim`: as of `now`. A step that failed is reported by Failed before the next one.
  Step Next(Claim claim, Timestamp now);
  // What the last step said could not be done: it comes again.
  void Failed();

  bool held() const { return held_; }

 private:
  Step Hold(Timestamp now);
  Step Yield(Timestamp now);
  Step Drop();

  const Duration lifetime_;
  bool held_ = false;
  bool dirty_ = false;  // A removal failed.
  Change last_ = Change::kNone;
  Claim claim_ = Claim::kNone;
  Timestamp claimed_;  // Since when it is that.
  Timestamp renewed_;
  Timestamp taken_;
  Timestamp announce_at_;
  Duration announce_interval_{};
};

}  // namespace strata::manager::address

#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>

namespace strata {

// Every span of time in the project. Nanoseconds: +-292 years.
using Duration = std::chrono::nanoseconds;

// `d` in seconds, for displays and rates.
constexpr double Seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

// An instant on a monotonic clock whose zero means nothing outside the process that reads it: never
// persist one, never send one to a peer, never compare one with the wall clock.
//
// Arithmetic saturates instead of wrapping: whatever passes the end is Never(), and Never() stays
// Never() whatever is added to it or taken from it.
class Timestamp {
 public:
  constexpr Timestamp() = default;  // The clock's zero.

  static constexpr Timestamp FromNanos(int64_t nanos) { return Timestamp(nanos); }
  // Later than every other instant: the deadline of what is not scheduled.
  static constexpr Timestamp Never() { return Timestamp(kMax); }

  constexpr int64_t nanos() const { return nanos_; }

  constexpr Timestamp& operator+=(Duration d) { return *this = *this + d; }
  constexpr Timestamp& operator-=(Duration d) { return *this = *this - d; }

  friend constexpr Timestamp operator+(Timestamp t, Duration d) {
    if (t.nanos_ == kMax) return t;
    int64_t sum = 0;
    if (__builtin_add_overflow(t.nanos_, int64_t{d.count()}, &sum))
      sum = d.count() > 0 ? kMax : kMin;
    return Timestamp(sum);
  }
  friend constexpr Timestamp operator+(Duration d, Timestamp t) { return t + d; }

  friend constexpr Timestamp operator-(Timestamp t, Duration d) {
    if (t.nanos_ == kMax) return t;
    int64_t difference = 0;
    if (__builtin_sub_overflow(t.nanos_, int64_t{d.count()}, &difference)) {
      difference = d.count() > 0 ? kMin : kMax;
    }
    return Timestamp(difference);
  }

  // The way from `b` to `a`; Never() is infinitely far (Duration::max()) from every other instant.
  friend constexpr Duration operator-(Timestamp a, Timestamp b) {
    if (a.nanos_ == b.nanos_) return Duration::zero();
    if (a.nanos_ == kMax) return Duration::max();
    if (b.nanos_ == kMax) return Duration::min();
    int64_t difference = 0;
    if (__builtin_sub_overflow(a.nanos_, b.nanos_, &difference)) difference = a > b ? kMax : kMin;
    return Duration(difference);
  }

  friend constexpr auto operator<=>(Timestamp, Timestamp) = default;

 private:
  static constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  static constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

  constexpr explicit Timestamp(int64_t nanos) : nanos_(nanos) {}

  int64_t nanos_ = 0;
};

}  // namespace strata

#pragma once

#include <cstdint>
#include <string>

#include "common/time.h"

namespace strata::simulation {

// The readable log of one run, a line for each event, and a running hash over the lines, by which
// two runs are compared. Prints only when told to; formats nothing when neither is wanted.
class Trace {
 public:
  void PrintToStdout() { print_ = true; }
  void KeepHash() { hash_lines_ = true; }
  bool wanted() const { return print_ || hash_lines_; }

  // `who`: a member id, or 0 for the world.
  void Line(Timestamp now, uint32_t who, const char* format, ...)
      __attribute__((format(printf, 4, 5)));

  uint64_t hash() const { return hash_; }

 private:
  bool print_ = false;
  bool hash_lines_ = false;
  uint64_t hash_ = 1469598103934665603u;
};

}  // namespace strata::simulation

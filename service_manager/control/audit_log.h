#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/status.h"
#include "service_manager/control/log_limit.h"
#include "service_manager/store/store.h"

namespace strata::manager::control {

// An administrative call.
struct AuditEntry {
  uint64_t position = 0;
  int64_t at_ms = 0;    // Since 1970, UTC.
  std::string who;      // As its certificate says.
  std::string from;     // Address.
  std::string what;     // The call, and what it was about.
  std::string outcome;  // ok, or the error.
};

// Calls that are kept, at least; the oldest go beyond.
inline constexpr size_t kAuditKept = 100'000;
inline constexpr size_t kAuditShownMax = 10'000;
inline constexpr size_t kAuditTextMax = 4096;  // Bytes of `what`; the rest is cut off.

// Who ordered what, durable. Any thread.
class AuditLog {
 public:
  explicit AuditLog(store::Store& store, size_t kept = kAuditKept)
      : store_(store), limit_(store, kept) {}

  // Position and time are given here.
  Status Add(AuditEntry entry);
  // The last `count`, the oldest first.
  StatusOr<std::vector<AuditEntry>> Last(size_t count) const;

 private:
  store::Store& store_;
  LogLimit limit_;
};

}  // namespace strata::manager::control

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/status.h"
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

inline constexpr size_t kAuditShownMax = 10'000;
inline constexpr size_t kAuditTextMax = 4096;  // Bytes of `what`; the rest is cut off.

// Who ordered what, durable. Any thread.
class AuditLog {
 public:
  explicit AuditLog(store::Store& store) : store_(store) {}

  // Position and time are given here.
  Status Add(AuditEntry entry);
  // The last `count`, the oldest first.
  StatusOr<std::vector<AuditEntry>> Last(size_t count) const;

 private:
  store::Store& store_;
};

}  // namespace strata::manager::control

#include "service_manager/control/audit_log.h"

#include <algorithm>
#include <deque>
#include <string_view>

#include "common/wall_clock.h"
#include "proto/manager_store.pb.h"

namespace strata::manager::control {
namespace {

// Not the name of a site, which is a log too.
constexpr char kLog[] = "AUDIT";

}  // namespace

Status AuditLog::Add(AuditEntry entry) {
  strata::manager::store::v1::StoredAudit record;
  record.set_at_ms(WallClockMillis());
  record.set_who(entry.who);
  record.set_from(entry.from);
  record.set_what(entry.what.substr(0, kAuditTextMax));
  record.set_outcome(entry.outcome.substr(0, kAuditTextMax));
  store::IntentBatch batch;
  batch.appends.push_back({kLog, record.SerializeAsString()});
  STRATA_RETURN_IF_ERROR(limit_.Trim(kLog, batch));
  return StatusOr<std::vector<uint64_t>>(store_.Commit(batch)).status();
}

StatusOr<std::vector<AuditEntry>> AuditLog::Last(size_t count) const {
  count = std::min(count, kAuditShownMax);
  std::deque<AuditEntry> last;
  STRATA_RETURN_IF_ERROR(store_.VisitLog(kLog, 1, [&](uint64_t at, std::string_view value) {
    strata::manager::store::v1::StoredAudit record;
    if (record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      last.push_back(
          {at, record.at_ms(), record.who(), record.from(), record.what(), record.outcome()});
    }
    if (last.size() > count) last.pop_front();
    return true;
  }));
  return std::vector<AuditEntry>(last.begin(), last.end());
}

}  // namespace strata::manager::control

#include "service_manager/control/log_limit.h"

#include <cstdint>
#include <deque>
#include <string_view>

namespace strata::manager::control {

Status LogLimit::Trim(const std::string& log, store::IntentBatch& batch) {
  if (!IsToLook(log)) return Ok();
  std::deque<uint64_t> last;
  bool more = false;
  STRATA_RETURN_IF_ERROR(store_.VisitLog(log, 1, [&](uint64_t position, std::string_view) {
    last.push_back(position);
    if (last.size() <= kept_) return true;
    last.pop_front();
    more = true;
    return true;
  }));
  if (more) batch.trims.push_back({log, last.front()});
  return Ok();
}

// The first of a process, too: so also one that lives short looks.
bool LogLimit::IsToLook(const std::string& log) {
  absl::MutexLock lock(&mutex_);
  return appended_[log]++ % kLogLookEvery == 0;
}

}  // namespace strata::manager::control

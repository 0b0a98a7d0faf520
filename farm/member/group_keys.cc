#include "farm/member/group_keys.h"

#include <utility>

namespace strata::farm {

GroupKeys::GroupKeys(const std::vector<multicast::GroupKey>& keys) {
  for (const multicast::GroupKey& key : keys) ids_.insert(key.id);
}

Status GroupKeys::Use(multicast::Group& group, const std::vector<multicast::GroupKey>& keys) {
  if (keys.empty()) return Ok();
  std::set<uint8_t> before;
  {
    absl::MutexLock lock(&mutex_);
    before = ids_;
  }
  std::set<uint8_t> after;
  for (const multicast::GroupKey& key : keys) {
    after.insert(key.id);
    if (!before.contains(key.id)) STRATA_RETURN_IF_ERROR(group.AddKey(key.id, key.bytes));
  }
  STRATA_RETURN_IF_ERROR(group.UseKey(keys.front().id));
  for (const uint8_t id : before) {
    if (!after.contains(id)) STRATA_RETURN_IF_ERROR(group.ForgetKey(id));
  }
  absl::MutexLock lock(&mutex_);
  ids_ = std::move(after);
  return Ok();
}

}  // namespace strata::farm

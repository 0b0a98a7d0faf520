#include "service_manager/control/restored_purges.h"

#include <optional>

#include "common/wall_clock.h"
#include "proto/manager_store.pb.h"

namespace strata::manager::control {
namespace {

namespace stored = strata::manager::store::v1;

constexpr char kTable[] = "restored";

}  // namespace

StatusOr<bool> RestoredPurges::OnPurgedUpTo(const std::string& site, uint64_t position) {
  absl::MutexLock order(&order_);
  STRATA_ASSIGN_OR_RETURN(const std::optional<std::string> text, store_.Get(kTable, site));
  if (!text) return false;
  stored::RestoredLog log;
  if (!log.ParseFromString(*text)) {
    return DataLoss("the store's record of the restored site %s cannot be read", site.c_str());
  }
  if (position <= log.known() || position >= log.next()) return false;
  stored::StoredPurge all;  // No keys: everything.
  all.set_ordered_by("restored");
  all.set_at_ms(WallClockMillis());
  store::IntentBatch batch;
  batch.appends.push_back({site, all.SerializeAsString()});
  batch.deletes.push_back({kTable, site});
  STRATA_RETURN_IF_ERROR(store_.Commit(batch));
  return true;
}

}  // namespace strata::manager::control

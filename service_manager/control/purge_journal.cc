#include "service_manager/control/purge_journal.h"

#include <array>
#include <deque>
#include <iterator>
#include <string_view>
#include <utility>

#include "common/wall_clock.h"
#include "proto/manager_store.pb.h"

namespace strata::manager::control {
namespace {

namespace stored = strata::manager::store::v1;

// A site's name has at most 63 bytes, a log's name 64: a site is a log.
std::string LogOf(const std::string& site) { return site; }

}  // namespace

StatusOr<farm::Purged> PurgeJournal::Append(const std::string& site,
                                            const std::vector<farm::ContentKey>& keys,
                                            const std::vector<std::string>& uris,
                                            const std::string& by) {
  stored::StoredPurge record;
  for (const farm::ContentKey& key : keys) {
    std::array<uint8_t, farm::ContentKey::kBytes> bytes;
    ByteWriter out(bytes);
    Encode(key, out);
    record.add_keys(bytes.data(), bytes.size());
  }
  for (const std::string& uri : uris) record.add_uris(uri);
  record.set_ordered_by(by);
  record.set_at_ms(WallClockMillis());
  store::IntentBatch batch;
  batch.appends.push_back({LogOf(site), record.SerializeAsString()});
  STRATA_RETURN_IF_ERROR(limit_.Trim(LogOf(site), batch));
  STRATA_ASSIGN_OR_RETURN(const std::vector<uint64_t> positions, store_.Commit(batch));
  return farm::Purged{site, positions.front(), keys};
}

StatusOr<std::vector<farm::Purged>> PurgeJournal::After(const std::string& site,
                                                        uint64_t position) const {
  std::deque<farm::Purged> entries;
  Status status;
  const auto visit = [&](uint64_t at, std::string_view value) {
    stored::StoredPurge record;
    bool good = record.ParseFromArray(value.data(), static_cast<int>(value.size()));
    farm::Purged entry{site, at, {}};
    for (const std::string& key : record.keys()) {
      ByteReader in(AsBytes(key));
      entry.keys.push_back(farm::DecodeContentKey(in));
      good = good && in.ok();
    }
    if (!good) {
      status = DataLoss("entry %llu of the purge log of site %s cannot be read",
                        static_cast<unsigned long long>(at), site.c_str());
      return false;
    }
    entries.push_back(std::move(entry));
    if (entries.size() > kPurgesTold) entries.pop_front();
    return true;
  };
  STRATA_RETURN_IF_ERROR(store_.VisitLog(LogOf(site), position + 1, visit));
  STRATA_RETURN_IF_ERROR(status);
  return std::vector(std::make_move_iterator(entries.begin()),
                     std::make_move_iterator(entries.end()));
}

}  // namespace strata::manager::control

#include "service_manager/control/purge_journal.h"

#include <array>
#include <deque>
#include <functional>
#include <iterator>
#include <string_view>
#include <utility>

#include "common/wall_clock.h"
#include "proto/manager_store.pb.h"

namespace strata::manager::control {
namespace {

namespace stored = strata::manager::store::v1;

constexpr size_t kEntryBytes = 64;  // Beside its URIs, about.

std::string Record(const PurgeEntry& entry) {
  stored::StoredPurge record;
  for (const farm::ContentKey& key : entry.purged.keys) {
    std::array<uint8_t, farm::ContentKey::kBytes> bytes;
    ByteWriter out(bytes);
    Encode(key, out);
    record.add_keys(bytes.data(), bytes.size());
  }
  for (const std::string& uri : entry.uris) record.add_uris(uri);
  record.set_ordered_by(entry.ordered_by);
  record.set_at_ms(entry.at_ms);
  return record.SerializeAsString();
}

StatusOr<PurgeEntry> ReadRecord(const std::string& site, uint64_t position,
                                std::string_view value) {
  stored::StoredPurge record;
  bool good = record.ParseFromArray(value.data(), static_cast<int>(value.size()));
  PurgeEntry entry{.purged = {site, position, {}},
                   .uris = {record.uris().begin(), record.uris().end()},
                   .ordered_by = record.ordered_by(),
                   .at_ms = record.at_ms()};
  for (const std::string& key : record.keys()) {
    ByteReader in(AsBytes(key));
    entry.purged.keys.push_back(farm::DecodeContentKey(in));
    good = good && in.ok();
  }
  if (good) return entry;
  return DataLoss("entry %llu of the purge log of site %s cannot be read",
                  static_cast<unsigned long long>(position), site.c_str());
}

}  // namespace

void PurgeJournal::Observe(std::function<void(const std::string& site)> written) {
  absl::MutexLock lock(&observer_mutex_);
  written_ = std::move(written);
}

StatusOr<farm::Purged> PurgeJournal::Append(const std::string& site,
                                            const std::vector<farm::ContentKey>& keys,
                                            const std::vector<std::string>& uris,
                                            const std::string& by) {
  PurgeEntry entry{
      .purged = {site, 0, keys}, .uris = uris, .ordered_by = by, .at_ms = WallClockMillis()};
  STRATA_ASSIGN_OR_RETURN(const std::vector<uint64_t> positions, Write(site, {&entry}));
  entry.purged.position = positions.front();
  return entry.purged;
}

StatusOr<std::vector<farm::Purged>> PurgeJournal::Take(const std::vector<PurgeEntry>& entries) {
  std::vector<farm::Purged> taken;
  if (entries.empty()) return taken;
  const std::string& site = entries.front().purged.site;
  STRATA_ASSIGN_OR_RETURN(uint64_t last, Last(site));
  std::vector<const PurgeEntry*> behind;
  for (const PurgeEntry& entry : entries) {
    if (entry.purged.position <= last) continue;
    last = entry.purged.position;
    behind.push_back(&entry);
    taken.push_back(entry.purged);
  }
  if (!behind.empty()) STRATA_RETURN_IF_ERROR(Write(site, behind));
  return taken;
}

StatusOr<std::vector<uint64_t>> PurgeJournal::Write(const std::string& site,
                                                    const std::vector<const PurgeEntry*>& entries) {
  const std::string& log = LogOfPurges(site);
  store::IntentBatch batch;
  for (const PurgeEntry* entry : entries) {
    batch.appends.push_back({log, Record(*entry), entry->purged.position});
    STRATA_RETURN_IF_ERROR(limit_.Trim(log, batch));
  }
  StatusOr<std::vector<uint64_t>> positions = store_.Commit(batch);
  absl::MutexLock lock(&observer_mutex_);
  if (written_) written_(site);
  return positions;
}

Status PurgeJournal::Visit(const std::string& site, uint64_t from,
                           absl::FunctionRef<bool(PurgeEntry)> visit) const {
  Status status;
  STRATA_RETURN_IF_ERROR(
      store_.VisitLog(LogOfPurges(site), from, [&](uint64_t position, std::string_view value) {
        StatusOr<PurgeEntry> entry = ReadRecord(site, position, value);
        status = entry.status();
        return entry.ok() && visit(*std::move(entry));
      }));
  return status;
}

StatusOr<std::vector<farm::Purged>> PurgeJournal::After(const std::string& site,
                                                        uint64_t position) const {
  std::deque<farm::Purged> entries;
  STRATA_RETURN_IF_ERROR(Visit(site, position + 1, [&](PurgeEntry entry) {
    entries.push_back(std::move(entry.purged));
    if (entries.size() > kPurgesTold) entries.pop_front();
    return true;
  }));
  return std::vector(std::make_move_iterator(entries.begin()),
                     std::make_move_iterator(entries.end()));
}

StatusOr<std::vector<PurgeEntry>> PurgeJournal::Behind(const std::string& site, uint64_t position,
                                                       size_t bytes_max) const {
  STRATA_ASSIGN_OR_RETURN(const uint64_t last, Last(site));
  if (last <= position) return std::vector<PurgeEntry>();
  bool whole = false;
  STRATA_RETURN_IF_ERROR(Visit(site, 1, [&](const PurgeEntry& first) {
    whole = first.purged.position <= position + 1 || first.purged.keys.empty();
    return false;
  }));
  if (!whole) {
    PurgeEntry all{.purged = {site, last, {}}, .uris = {}, .ordered_by = "a log that was cut"};
    return std::vector{std::move(all)};
  }
  std::vector<PurgeEntry> entries;
  size_t bytes = 0;
  STRATA_RETURN_IF_ERROR(Visit(site, position + 1, [&](PurgeEntry entry) {
    bytes += kEntryBytes;
    for (const std::string& uri : entry.uris) bytes += uri.size();
    if (bytes > bytes_max && !entries.empty()) return false;
    entries.push_back(std::move(entry));
    return true;
  }));
  return entries;
}

StatusOr<std::vector<PurgeEntry>> PurgeJournal::Newest(const std::string& site, uint64_t before,
                                                       size_t limit) const {
  std::deque<PurgeEntry> entries;
  STRATA_RETURN_IF_ERROR(Visit(site, 1, [&](PurgeEntry entry) {
    if (before != 0 && entry.purged.position >= before) return false;
    entries.push_front(std::move(entry));
    if (entries.size() > limit) entries.pop_back();
    return true;
  }));
  return std::vector(std::make_move_iterator(entries.begin()),
                     std::make_move_iterator(entries.end()));
}

StatusOr<PurgeEntry> PurgeJournal::Find(const std::string& site, uint64_t position) const {
  StatusOr<PurgeEntry> found = NotFound("the log of site %s has no entry %llu, or not any more",
                                        site.c_str(), static_cast<unsigned long long>(position));
  STRATA_RETURN_IF_ERROR(Visit(site, position, [&](PurgeEntry entry) {
    if (entry.purged.position == position) found = std::move(entry);
    return false;
  }));
  return found;
}

}  // namespace strata::manager::control

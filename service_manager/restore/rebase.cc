#include "service_manager/restore/rebase.h"

#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/bytes.h"
#include "common/number.h"
#include "farm/backup/contents.h"
#include "farm/backup/record.h"
#include "farm/site.h"
#include "proto/manager_store.pb.h"

namespace strata::manager::restore {
namespace {

namespace stored = strata::manager::store::v1;
using farm::backup::IntentKey;
using farm::backup::TableKey;

constexpr char kBy[] = "restored";

Status Unreadable(const std::string& key) {
  return DataLoss("the record of %s cannot be read", key.c_str());
}

// In the order of keys, and each once.
class Rebasing {
 public:
  explicit Rebasing(int64_t now_s) : now_s_(now_s) {}

  Status Add(const store::IntentRecord& record) {
    const std::optional<IntentKey> key = farm::backup::ParseIntentKey(record.key);
    if (!key) return DataLoss("a record that is none of a manager's store");
    const std::string name(key->name);
    switch (key->kind) {
      case IntentKey::Kind::kTable:
        return AddRow(name, std::string(key->key), record);
      case IntentKey::Kind::kLog:
        break;
      case IntentKey::Kind::kNext:
        if (name == farm::backup::kAuditLog) break;
        const std::optional<uint64_t> next = farm::backup::ReadNextValue(record.value);
        if (!next || *next == 0) return Unreadable(name);
        known_[name] = *next - 1;
        return Ok();
    }
    out_[record.key] = record.value;
    return Ok();
  }

  StatusOr<std::vector<store::IntentRecord>> Finish() {
    for (const auto& [name, version] : marks_) {
      STRATA_RETURN_IF_ERROR(RaiseSite(name, version + kVersionsAhead));
      known_[name];  // A site without a purge may have had one after the backup.
    }
    for (const auto& [name, position] : known_) {
      if (from_above_.contains(name)) {  // Its home numbers it, and knows more.
        if (position != 0)
          out_[farm::backup::NextKey(name)] = farm::backup::NextValue(position + 1);
        continue;
      }
      stored::RestoredLog log;
      log.set_known(position);
      log.set_next(position + kPurgesAhead + 1);
      out_[farm::backup::NextKey(name)] = farm::backup::NextValue(log.next());
      out_[TableKey("restored", name)] = log.SerializeAsString();
    }
    std::vector<store::IntentRecord> records;
    for (auto& [key, value] : out_) records.push_back({key, std::move(value)});
    return records;
  }

 private:
  Status AddRow(const std::string& table, const std::string& key,
                const store::IntentRecord& record) {
    if (table == "farm" && key == "group") return Ok();
    if (table == "managers") return Ok();  // They follow the one that founds the new group.
    if (table == "restored") return Ok();  // Of an earlier one; this one makes its own.
    std::string value = record.value;
    if (table == "farm" && key == "last_id") {
      const std::optional<uint32_t> id = ParseNumber<uint32_t>(value);
      if (!id) return Unreadable("the last engine id");
      value = std::to_string(*id + kEngineIdsAhead);
    } else if (table == "engines") {
      stored::StoredEngine engine;
      if (!engine.ParseFromString(value)) return Unreadable("engine " + key);
      engine.set_registration(engine.registration() + kRegistrationsAhead);
      engine.clear_instance();
      value = engine.SerializeAsString();
    } else if (table == "sites") {
      stored::StoredSite site;
      if (!site.ParseFromString(value)) return Unreadable("site " + key);
      if (!site.home().empty()) from_above_.insert(key);
    } else if (table == "site_marks") {
      stored::SiteMark mark;
      if (!mark.ParseFromString(value)) return Unreadable("the mark of site " + key);
      marks_[key] = mark.version();
      return Ok();
    } else if (table == "mirror" && key == "position") {
      STRATA_RETURN_IF_ERROR(RaiseTerm(value));
    }
    out_[record.key] = value;
    return Ok();
  }

  // The present version once more, as a new one.
  Status RaiseSite(const std::string& name, uint64_t version) {
    stored::SiteMark mark;
    mark.set_version(version);
    out_[TableKey("site_marks", name)] = mark.SerializeAsString();
    const auto it = out_.find(TableKey("sites", name));
    if (it == out_.end()) return Ok();  // It was removed.
    stored::StoredSite record;
    if (!record.ParseFromString(it->second)) return Unreadable("site " + name);
    if (from_above_.contains(name)) return Ok();
    StatusOr<farm::Site> site = farm::DecodeSite(AsBytes(record.site()));
    if (!site.ok()) return Unreadable("site " + name);
    site->version = version;
    const Bytes bytes = Encode(*site);
    record.set_site(bytes.data(), bytes.size());
    record.set_applied_by(kBy);
    record.set_applied_at_s(now_s_);
    it->second = record.SerializeAsString();
    char digits[24];
    std::snprintf(digits, sizeof(digits), "/%020llu", static_cast<unsigned long long>(version));
    out_[TableKey("site_versions", name + digits)] = it->second;
    return Ok();
  }

  static Status RaiseTerm(std::string& value) {
    ByteReader in(AsBytes(value));
    const uint64_t term = in.U64();
    const uint64_t number = in.U64();
    if (!in.AtEnd()) return Unreadable("the position among the farm's managers");
    std::array<uint8_t, 16> bytes;
    ByteWriter out(bytes);
    out.U64(term + kTermsAhead);
    out.U64(number);
    value = AsText(bytes);
    return Ok();
  }

  const int64_t now_s_;
  std::map<std::string, std::string> out_;
  std::set<std::string> from_above_;       // Sites of other homes.
  std::map<std::string, uint64_t> marks_;  // Of the sites: their highest versions.
  std::map<std::string, uint64_t> known_;  // Of the sites' logs: the last position.
};

}  // namespace

StatusOr<std::vector<store::IntentRecord>> Rebase(const std::vector<store::IntentRecord>& records,
                                                  int64_t now_s) {
  Rebasing rebasing(now_s);
  for (const store::IntentRecord& record : records) STRATA_RETURN_IF_ERROR(rebasing.Add(record));
  return rebasing.Finish();
}

}  // namespace strata::manager::restore

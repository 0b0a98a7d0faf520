#include "farm/backup/contents.h"

#include <algorithm>
#include <optional>

#include "common/bytes.h"
#include "farm/backup/record.h"
#include "farm/content_key.h"
#include "farm/messages.h"
#include "farm/site.h"
#include "proto/manager_store.pb.h"

namespace strata::farm::backup {
namespace {

namespace stored = strata::manager::store::v1;

template <class Message>
StatusOr<Message> Parse(const std::string& what, std::string_view value) {
  Message message;
  if (!message.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return DataLoss("%s cannot be read", what.c_str());
  }
  return message;
}

StatusOr<farm::Site> ParseSite(const std::string& what, std::string_view value) {
  STRATA_ASSIGN_OR_RETURN(const stored::StoredSite record, Parse<stored::StoredSite>(what, value));
  StatusOr<farm::Site> site = DecodeSite(AsBytes(record.site()));
  if (!site.ok()) return DataLoss("%s: %s", what.c_str(), MessageOf(site.status()).c_str());
  return site;
}

}  // namespace

Status Contents::Add(std::string_view key, std::string_view value) {
  const std::optional<IntentKey> parsed = ParseIntentKey(key);
  if (!parsed) return DataLoss("its key is none of a manager's store");
  const std::string name(parsed->name);
  switch (parsed->kind) {
    case IntentKey::Kind::kTable:
      return AddRow(name, std::string(parsed->key), value);
    case IntentKey::Kind::kLog:
      return AddEntry(name, parsed->position, value);
    case IntentKey::Kind::kNext:
      break;
  }
  const std::optional<uint64_t> next = ReadNextValue(value);
  if (!next || *next == 0) return DataLoss("the end of log %s cannot be read", name.c_str());
  if (name != kAuditLog) sites_[name].purged_up_to = *next - 1;
  return Ok();
}

Status Contents::AddRow(const std::string& table, const std::string& key, std::string_view value) {
  const std::string what = table + " " + key;
  if (table == "sites" || table == "site_versions") {
    STRATA_ASSIGN_OR_RETURN(const farm::Site site, ParseSite(what, value));
    if (table == "sites") sites_[site.name].version = site.version;
    if (table == "site_versions") ++sites_[site.name].versions;
  } else if (table == "site_marks") {
    STRATA_RETURN_IF_ERROR(Parse<stored::SiteMark>(what, value));
    sites_[key];
  } else if (table == "engines") {
    STRATA_ASSIGN_OR_RETURN(const stored::StoredEngine record,
                            Parse<stored::StoredEngine>(what, value));
    ByteReader info(AsBytes(record.info()));
    const StatusOr<EngineInfo> engine = DecodeEngineInfo(info);
    if (!engine.ok() || engine->name != key) return DataLoss("%s cannot be read", what.c_str());
    engines_[key] = {record.id(), record.registration(), record.draining()};
  } else if (table == "managers") {
    STRATA_RETURN_IF_ERROR(Parse<stored::StoredManager>(what, value));
    managers_.push_back(key);
  } else if (table == "witnesses") {
    STRATA_RETURN_IF_ERROR(Parse<stored::StoredWitness>(what, value));
  } else if (table == "restored") {
    STRATA_RETURN_IF_ERROR(Parse<stored::RestoredLog>(what, value));
  } else if (table != "farm" && table != "mirror") {
    ++unknown_;
  }
  return Ok();
}

Status Contents::AddEntry(const std::string& log, uint64_t position, std::string_view value) {
  const std::string what = "entry " + std::to_string(position) + " of log " + log;
  if (log == kAuditLog) {
    STRATA_RETURN_IF_ERROR(Parse<stored::StoredAudit>(what, value));
    ++audit_records_;
    return Ok();
  }
  STRATA_ASSIGN_OR_RETURN(const stored::StoredPurge record,
                          Parse<stored::StoredPurge>(what, value));
  const bool whole = std::all_of(record.keys().begin(), record.keys().end(), [](const auto& each) {
    return each.size() == ContentKey::kBytes;
  });
  if (!whole) return DataLoss("%s cannot be read", what.c_str());
  ++sites_[log].purges;
  return Ok();
}

}  // namespace strata::farm::backup

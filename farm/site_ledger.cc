#include "farm/site_ledger.h"

#include <utility>

#include "common/field_codec.h"

namespace strata::farm {
namespace {

constexpr uint8_t kLedgerVersion = 1;
constexpr size_t kSiteBytesMin = 60;
constexpr size_t kPurgeBytesMin = 10;

void Put(const SiteLedger::PurgeLog& log, FieldAppender& out) {
  out.U64(log.position);
  out.U64(log.forgotten);
  out.U32(static_cast<uint32_t>(log.kept.size()));
  for (const SiteLedger::Purge& purge : log.kept) {
    out.U64(purge.position);
    out.U16(static_cast<uint16_t>(purge.keys.size()));
    for (const ContentKey& key : purge.keys) {
      out.U64(key.high);
      out.U64(key.low);
    }
  }
}

SiteLedger::Purge TakePurge(FieldReader& in) {
  SiteLedger::Purge purge;
  purge.position = in.U64("position");
  const size_t count = in.Count(in.U16("keys"), kMaxPurgedKeys, ContentKey::kBytes, "keys");
  purge.keys.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t high = in.U64("key");
    purge.keys.push_back({high, in.U64("key")});
  }
  return purge;
}

SiteLedger::PurgeLog TakeLog(FieldReader& in) {
  SiteLedger::PurgeLog log;
  log.position = in.U64("last position");
  log.forgotten = in.U64("forgotten");
  const size_t count = in.Count(in.U32("purges"), kPurgesKept, kPurgeBytesMin, "purges");
  uint64_t last = log.forgotten;
  for (size_t i = 0; i < count && in.ok(); ++i) {
    log.kept.push_back(TakePurge(in));
    if (log.kept.back().position <= last) in.Fail("position", "is out of order");
    last = log.kept.back().position;
  }
  if (last != log.position) in.Fail("last position", "is not that of the last purge");
  return log;
}

}  // namespace

bool SiteLedger::Apply(const SiteApplied& m) {
  if (!sites_.Apply(m.site).ok()) return false;
  logs_[m.site.name];
  ++site_changes_;
  return true;
}

bool SiteLedger::Apply(const SiteRemoved& m) {
  if (!sites_.Remove(m.site).ok()) return false;
  logs_.erase(m.site);
  ++site_changes_;
  return true;
}

bool SiteLedger::Apply(const Purged& m) {
  const auto it = logs_.find(m.site);
  if (it == logs_.end() || m.position <= it->second.position) return false;
  PurgeLog& log = it->second;
  log.position = m.position;
  if (m.keys.empty()) {  // Everything: as if all that was before had been too long ago.
    log.kept.clear();
    log.forgotten = m.position;
    return true;
  }
  log.kept.push_back({m.position, m.keys});
  if (log.kept.size() > kPurgesKept) {
    log.forgotten = log.kept.front().position;
    log.kept.pop_front();
  }
  return true;
}

const SiteLedger::PurgeLog* SiteLedger::FindLog(const std::string& site) const {
  const auto it = logs_.find(site);
  return it == logs_.end() ? nullptr : &it->second;
}

TableDigest SiteLedger::digest() const {
  TableDigest digest;
  for (const auto& [name, site] : sites_.sites()) {
    Bytes item = Encode(site);
    FieldAppender out(item);
    out.U64(logs_.at(name).position);
    digest.Add(item);
  }
  return digest;
}

Bytes SiteLedger::Snapshot() const {
  Bytes bytes;
  FieldAppender out(bytes);
  out.U8(kLedgerVersion);
  out.U32(static_cast<uint32_t>(sites_.sites().size()));
  for (const auto& [name, site] : sites_.sites()) {
    const Bytes encoded = Encode(site);
    out.U32(static_cast<uint32_t>(encoded.size()));
    out.Put(encoded);
    Put(logs_.at(name), out);
  }
  return bytes;
}

Status SiteLedger::Restore(ByteSpan snapshot) {
  ByteReader reader(snapshot);
  FieldReader in(reader);
  if (in.U8("version") != kLedgerVersion) in.Fail("version", "is not 1");
  const size_t count = in.Count(in.U32("sites"), SIZE_MAX, kSiteBytesMin, "sites");
  SiteLedger ledger;
  ledger.site_changes_ = site_changes_ + 1;
  std::string last;
  for (size_t i = 0; i < count && in.ok(); ++i) {
    const StatusOr<Site> site = DecodeSite(in.Take(in.U32("site")));
    STRATA_RETURN_IF_ERROR(in.status());
    STRATA_RETURN_IF_ERROR(site);
    if (site->name <= last) return InvalidArgument("field site is out of order");
    last = site->name;
    STRATA_RETURN_IF_ERROR(ledger.sites_.Apply(*site));
    ledger.logs_[last] = TakeLog(in);
  }
  STRATA_RETURN_IF_ERROR(in.status());
  if (!reader.AtEnd()) return InvalidArgument("bytes behind the end");
  *this = std::move(ledger);
  return Ok();
}

}  // namespace strata::farm

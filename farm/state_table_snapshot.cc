#include <algorithm>
#include <utility>

#include "common/field_codec.h"
#include "farm/state_table.h"

// State transfer: docs/protocols/farm.md, section 4.
namespace strata::farm {
namespace {

constexpr uint8_t kSnapshotVersion = 1;
constexpr uint64_t kForEver = UINT64_MAX;
constexpr size_t kRowBytesMin = 60;
constexpr size_t kCopyBytesMin = 44;

}  // namespace

Bytes StateTable::Snapshot(Timestamp now, std::optional<EngineId> copies_of) const {
  Bytes bytes;
  FieldAppender out(bytes);
  out.U8(kSnapshotVersion);
  out.U32(static_cast<uint32_t>(rows_.size()));
  for (const auto& [id, row] : rows_) {
    const Engine& engine = engines_.at(id);
    Encode(row.engine, bytes);
    out.U64(row.registration);
    out.U8(static_cast<uint8_t>(row.health));
    out.Text(row.reason);
    out.U8(row.draining ? 1 : 0);
    out.U8(row.telling ? 1 : 0);
    std::vector<ContentKey> keys;
    if (!copies_of || *copies_of == id) {
      keys.reserve(engine.copies.size());
      for (const auto& [key, copy] : engine.copies) keys.push_back(key);
    }
    std::sort(keys.begin(), keys.end());
    out.U64(keys.size());
    for (const ContentKey& key : keys) {
      const Copy& copy = engine.copies.at(key);
      const bool expires = copy.expires != Timestamp::Never();
      const Duration left = std::max(copy.expires - now, Duration::zero());
      out.U64(key.high);
      out.U64(key.low);
      Encode(copy.asset, bytes);
      out.U64(expires ? static_cast<uint64_t>(left.count()) : kForEver);
      out.U8(copy.told == engine.round ? 1 : 0);
    }
  }
  return bytes;
}

Status StateTable::RestoreRow(ByteReader& reader, Timestamp now) {
  FieldReader in(reader);
  StatusOr<EngineInfo> info = DecodeEngineInfo(reader);
  if (!info.ok()) return info.status();
  EngineRegistered registered{*std::move(info), in.U64("registration")};
  const EngineId id = registered.engine.id;
  if (!rows_.empty() && id <= rows_.rbegin()->first) in.Fail("engine", "is out of order");
  if (!in.ok()) return in.status();
  Take(registered);
  Take(InventoryBegins{id});
  HealthChanged health{id, in.Choice(Health::kDown, "health"), in.Text(kMaxReason, "reason")};
  Take(health);
  Take(DrainChanged{id, in.Bool("draining")});
  Row& row = rows_.at(id);
  Engine& engine = engines_.at(id);
  row.telling = in.Bool("telling");
  const size_t count = in.Count(in.U64("copies"), SIZE_MAX, kCopyBytesMin, "copies");
  const bool keep = Keeps(id);
  if (keep) engine.copies.reserve(count);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    const ContentKey key{in.U64("key"), in.U64("key")};
    if (engine.copies.contains(key)) in.Fail("key", "is there twice");
    if (!in.ok()) break;
    const StatusOr<Asset> asset = DecodeAsset(reader);
    if (!asset.ok()) return asset.status();
    const uint64_t left = in.U64("time left");
    if (left != kForEver && left > INT64_MAX) in.Fail("time left", "is too long");
    const bool told = in.Bool("told");
    if (!in.ok()) break;
    if (!keep) continue;
    Put(row, key, *asset, now);
    Copy& copy = engine.copies.at(key);
    copy.expires =
        left == kForEver ? Timestamp::Never() : now + Duration(static_cast<int64_t>(left));
    copy.told = told ? engine.round : engine.round - 1;
  }
  return in.status();
}

Status StateTable::Restore(ByteSpan snapshot, Timestamp now) {
  ByteReader reader(snapshot);
  FieldReader in(reader);
  if (in.U8("version") != kSnapshotVersion) in.Fail("version", "is not 1");
  const size_t count = in.Count(in.U32("rows"), SIZE_MAX, kRowBytesMin, "rows");
  if (!in.ok()) return in.status();
  StateTable table(settings_);
  for (size_t i = 0; i < count; ++i) {
    STRATA_RETURN_IF_ERROR(table.RestoreRow(reader, now));
  }
  if (!reader.AtEnd()) return InvalidArgument("bytes behind the end");
  table.observer_ = observer_;
  *this = std::move(table);
  return Ok();
}

}  // namespace strata::farm

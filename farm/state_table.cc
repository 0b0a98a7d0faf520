#include "farm/state_table.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/field_codec.h"

namespace strata::farm {
namespace {

// What the digest counts of a row, besides its assets. in_view is left out: a member that has left
// keeps a table that is compared with nobody's.
Bytes ItemOf(const Row& row) {
  Bytes item;
  Encode(row.engine, item);
  FieldAppender out(item);
  out.U64(row.registration);
  out.U8(static_cast<uint8_t>(row.health));
  out.Text(row.reason);
  out.U8(row.draining ? 1 : 0);
  return item;
}

Bytes ItemOf(EngineId engine, const ContentKey& key, const Asset& asset) {
  Bytes item;
  FieldAppender out(item);
  out.U32(engine.value());
  out.U64(key.high);
  out.U64(key.low);
  Encode(asset, item);
  return item;
}

// What was told anew, and has not changed since.
bool IsSame(const Asset& before, Timestamp expired, const Asset& after, Timestamp expires) {
  const Duration moved = expires - expired;
  return before.kind == after.kind && before.complete == after.complete &&
         before.size == after.size && before.validator == after.validator &&
         -kSameExpiry <= moved && moved <= kSameExpiry;
}

// Who may say what: the manager about everybody, an engine about itself. Registration, removal and
// drain are the manager's alone.
bool MaySay(const Message& message, EngineId sender, bool from_manager) {
  if (from_manager) return true;
  if (std::holds_alternative<EngineRegistered>(message) ||
      std::holds_alternative<EngineRemoved>(message) ||
      std::holds_alternative<DrainChanged>(message)) {
    return false;
  }
  return EngineOf(message) == sender;
}

}  // namespace

CopyObserver::~CopyObserver() = default;

const char* ToString(EngineStatus status) {
  switch (status) {
    case EngineStatus::kUp:
      return "up";
    case EngineStatus::kDegraded:
      return "degraded";
    case EngineStatus::kStale:
      return "stale";
    case EngineStatus::kDraining:
      return "draining";
    case EngineStatus::kDown:
      return "down";
  }
  return "?";
}

const char* ToString(StateTable::Applied applied) {
  switch (applied) {
    case StateTable::Applied::kYes:
      return "applied";
    case StateTable::Applied::kUnknownEngine:
      return "about an engine that is not registered";
    case StateTable::Applied::kNotItsBusiness:
      return "not for its sender to say";
    case StateTable::Applied::kOld:
      return "overtaken by a newer one";
    case StateTable::Applied::kNotHere:
      return "on a stream of the other kind";
  }
  return "?";
}

// ---- Looking.

const Row* StateTable::Find(EngineId engine) const {
  const auto it = rows_.find(engine);
  return it == rows_.end() ? nullptr : &it->second;
}

const Row* StateTable::FindByName(std::string_view name) const {
  for (const auto& [id, row] : rows_) {
    if (row.engine.name == name) return &row;
  }
  return nullptr;
}

EngineStatus StateTable::StatusOf(const Row& row, Timestamp now) const {
  if (!row.in_view || row.health == Health::kDown) return EngineStatus::kDown;
  if (row.draining) return EngineStatus::kDraining;
  const bool fresh = row.load.sequence != 0 && now - row.load_at <= settings_.stale_after;
  if (!fresh) return EngineStatus::kStale;
  return row.health == Health::kDegraded ? EngineStatus::kDegraded : EngineStatus::kUp;
}

const StateTable::Holders* StateTable::FindHolders(const ContentKey& key) const {
  const auto it = holders_.find(key);
  return it == holders_.end() ? nullptr : &it->second;
}

const Asset* StateTable::FindAsset(EngineId engine, const ContentKey& key) const {
  const auto it = engines_.find(engine);
  if (it == engines_.end()) return nullptr;
  const auto copy = it->second.copies.find(key);
  return copy == it->second.copies.end() ? nullptr : &copy->second.asset;
}

Timestamp StateTable::ExpiryOf(EngineId engine, const ContentKey& key) const {
  const auto it = engines_.find(engine);
  if (it == engines_.end()) return Timestamp::Never();
  const auto copy = it->second.copies.find(key);
  return copy == it->second.copies.end() ? Timestamp::Never() : copy->second.expires;
}

void StateTable::VisitCopies(EngineId engine,
                             absl::FunctionRef<void(const ContentKey&, const Asset&)> visit) const {
  const auto it = engines_.find(engine);
  if (it == engines_.end()) return;
  for (const auto& [key, copy] : it->second.copies) visit(key, copy.asset);
}

TableDigest StateTable::DigestOfLight(EngineId engine) const {
  TableDigest digest = digest_;
  for (const auto& [id, row] : rows_) {
    if (id != engine) digest.Remove(row.digest);
  }
  return digest;
}

// ---- Messages.

StateTable::Applied StateTable::Apply(const Message& message, EngineId sender, bool from_manager,
                                      Timestamp now) {
  if (!MaySay(message, sender, from_manager)) return Applied::kNotItsBusiness;
  const bool registers = std::holds_alternative<EngineRegistered>(message);
  if (!registers && !rows_.contains(EngineOf(message))) return Applied::kUnknownEngine;
  struct Visitor {
    StateTable& table;
    Timestamp now;
    Applied operator()(const EngineRegistered& m) const { return table.Take(m); }
    Applied operator()(const EngineRemoved& m) const { return table.Take(m); }
    Applied operator()(const HealthChanged& m) const { return table.Take(m); }
    Applied operator()(const DrainChanged& m) const { return table.Take(m); }
    Applied operator()(const AssetsChanged& m) const { return table.Take(m, now); }
    Applied operator()(const InventoryBegins& m) const { return table.Take(m); }
    Applied operator()(const InventoryEnds& m) const { return table.Take(m); }
    Applied operator()(const LoadReport&) const { return Applied::kNotHere; }
    Applied operator()(const SiteApplied&) const { return Applied::kNotHere; }
    Applied operator()(const SiteRemoved&) const { return Applied::kNotHere; }
    Applied operator()(const Purged&) const { return Applied::kNotHere; }
    Applied operator()(const PurgeApplied&) const { return Applied::kYes; }
    Applied operator()(const DigestAsked&) const { return Applied::kNotHere; }
    Applied operator()(const DigestTold&) const { return Applied::kYes; }
    Applied operator()(const Present&) const { return Applied::kNotHere; }
    Applied operator()(const SiteTaken&) const { return Applied::kYes; }
    Applied operator()(const Probed&) const { return Applied::kNotHere; }
  };
  return std::visit(Visitor{*this, now}, message);
}

StateTable::Applied StateTable::ApplyLoad(const LoadReport& report, EngineId sender,
                                          Timestamp now) {
  if (report.engine != sender) return Applied::kNotItsBusiness;
  const auto it = rows_.find(report.engine);
  if (it == rows_.end()) return Applied::kUnknownEngine;
  Row& row = it->second;
  if (report.registration != row.registration || report.load.sequence <= row.load.sequence) {
    return Applied::kOld;
  }
  row.load = report.load;
  row.load_at = now;
  return Applied::kYes;
}

void StateTable::SetView(const std::vector<EngineId>& members) {
  for (auto& [id, row] : rows_) {
    row.in_view = std::find(members.begin(), members.end(), id) != members.end();
  }
}

void StateTable::ChangeRow(EngineId engine, absl::FunctionRef<void(Row&)> change) {
  Row& row = rows_.at(engine);
  digest_.Remove(ItemOf(row));
  change(row);
  digest_.Add(ItemOf(row));
}

StateTable::Applied StateTable::Take(const EngineRegistered& m) {
  const auto it = rows_.find(m.engine.id);
  if (it != rows_.end() && m.registration <= it->second.registration) return Applied::kOld;
  Row& row = rows_[m.engine.id];
  if (it != rows_.end()) digest_.Remove(ItemOf(row));
  row.engine = m.engine;
  row.registration = m.registration;
  row.telling = false;
  row.load = Load();
  engines_[m.engine.id];
  digest_.Add(ItemOf(row));
  return Applied::kYes;
}

StateTable::Applied StateTable::Take(const EngineRemoved& m) {
  Row& row = rows_.at(m.engine);
  DropAll(row);
  digest_.Remove(ItemOf(row));
  engines_.erase(m.engine);
  rows_.erase(m.engine);
  return Applied::kYes;
}

StateTable::Applied StateTable::Take(const HealthChanged& m) {
  ChangeRow(m.engine, [&m](Row& row) {
    row.health = m.health;
    row.reason = m.reason;
  });
  return Applied::kYes;
}

StateTable::Applied StateTable::Take(const DrainChanged& m) {
  ChangeRow(m.engine, [&m](Row& row) { row.draining = m.draining; });
  return Applied::kYes;
}

StateTable::Applied StateTable::Take(const AssetsChanged& m, Timestamp now) {
  if (!Keeps(m.engine)) return Applied::kYes;
  Row& row = rows_.at(m.engine);
  for (const AssetsChanged::Change& change : m.changes) {
    if (change.asset) {
      Put(row, change.key, *change.asset, now);
    } else {
      Drop(row, change.key);
    }
  }
  return Applied::kYes;
}

StateTable::Applied StateTable::Take(const InventoryBegins& m) {
  rows_.at(m.engine).telling = true;
  ++engines_.at(m.engine).round;
  return Applied::kYes;
}

StateTable::Applied StateTable::Take(const InventoryEnds& m) {
  Row& row = rows_.at(m.engine);
  if (!row.telling) return Applied::kYes;  // Its beginning belongs to an earlier registration.
  row.telling = false;
  Engine& engine = engines_.at(m.engine);
  std::vector<ContentKey> gone;
  for (const auto& [key, copy] : engine.copies) {
    if (copy.told != engine.round) gone.push_back(key);
  }
  for (const ContentKey& key : gone) Drop(row, key);
  return Applied::kYes;
}

// ---- Copies.

void StateTable::Put(Row& row, const ContentKey& key, const Asset& asset, Timestamp now) {
  Engine& engine = engines_.at(row.engine.id);
  const auto [it, fresh] = engine.copies.try_emplace(key);
  Copy& copy = it->second;
  const Timestamp expires =
      asset.lifetime == Duration::zero() ? Timestamp::Never() : now + asset.lifetime;
  const bool as_before = !fresh && IsSame(copy.asset, copy.expires, asset, expires);
  if (fresh) {
    Holders& holders = holders_[key];
    holders.insert(std::lower_bound(holders.begin(), holders.end(), row.engine.id), row.engine.id);
    ++row.assets;
  } else {
    const Bytes item = ItemOf(row.engine.id, key, copy.asset);
    digest_.Remove(item);
    row.digest.Remove(item);
    row.asset_bytes -= copy.asset.size;
  }
  copy.asset = asset;
  copy.expires = expires;
  copy.told = engine.round;
  row.asset_bytes += asset.size;
  const Bytes item = ItemOf(row.engine.id, key, asset);
  digest_.Add(item);
  row.digest.Add(item);
  if (observer_ != nullptr) observer_->OnCopy(row.engine.id, key, &copy.asset, as_before);
}

void StateTable::Drop(Row& row, const ContentKey& key) {
  Engine& engine = engines_.at(row.engine.id);
  const auto it = engine.copies.find(key);
  if (it == engine.copies.end()) return;
  const Bytes item = ItemOf(row.engine.id, key, it->second.asset);
  digest_.Remove(item);
  row.digest.Remove(item);
  --row.assets;
  row.asset_bytes -= it->second.asset.size;
  engine.copies.erase(it);
  RemoveHolder(key, row.engine.id);
  if (observer_ != nullptr) observer_->OnCopy(row.engine.id, key, nullptr, false);
}

void StateTable::DropAll(Row& row) {
  Engine& engine = engines_.at(row.engine.id);
  for (const auto& [key, copy] : engine.copies) {
    digest_.Remove(ItemOf(row.engine.id, key, copy.asset));
    RemoveHolder(key, row.engine.id);
    if (observer_ != nullptr) observer_->OnCopy(row.engine.id, key, nullptr, false);
  }
  engine.copies.clear();
  row.assets = row.asset_bytes = 0;
  row.digest = TableDigest();
}

void StateTable::RemoveHolder(const ContentKey& key, EngineId engine) {
  const auto it = holders_.find(key);
  STRATA_CHECK(it != holders_.end());
  Holders& holders = it->second;
  const auto at = std::lower_bound(holders.begin(), holders.end(), engine);
  STRATA_CHECK(at != holders.end() && *at == engine);
  holders.erase(at);
  if (holders.empty()) holders_.erase(it);
}

}  // namespace strata::farm

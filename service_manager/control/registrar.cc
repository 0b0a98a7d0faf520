#include "service_manager/control/registrar.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "common/number.h"
#include "proto/manager_store.pb.h"

namespace strata::manager::control {
namespace {

namespace stored = strata::manager::store::v1;

constexpr char kFarmTable[] = "farm";
constexpr char kGroupKey[] = "group";
constexpr char kLastIdKey[] = "last_id";
constexpr char kEngineTable[] = "engines";
// Managers have the ids below.
constexpr uint32_t kFirstEngineId = 101;
constexpr size_t kKeyBytes = 32;
constexpr uint32_t kKeyIds = 256;

Bytes ToBytes(std::string_view text) { return Bytes(text.begin(), text.end()); }

Bytes DrawKey(RandomSource& random) {
  Bytes key;
  while (key.size() < kKeyBytes) key.push_back(static_cast<uint8_t>(random.Below(256)));
  return key;
}

Status Unreadable(const std::string& what) {
  return DataLoss("the store's record of %s cannot be read", what.c_str());
}

StatusOr<Registrar::Engine> ReadEngine(std::string_view name, std::string_view value) {
  stored::StoredEngine record;
  const std::string what = "engine " + std::string(name);
  if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) return Unreadable(what);
  const Bytes info = ToBytes(record.info());
  ByteReader reader(info);
  STRATA_ASSIGN_OR_RETURN(farm::EngineInfo engine, farm::DecodeEngineInfo(reader));
  if (engine.name != name) return Unreadable(what);
  return Registrar::Engine{std::move(engine), record.registration(), ToBytes(record.instance()),
                           record.draining()};
}

}  // namespace

StatusOr<std::unique_ptr<Registrar>> Registrar::Open(store::Store& store, RandomSource& random) {
  auto registrar = std::unique_ptr<Registrar>(new Registrar(store));
  STRATA_ASSIGN_OR_RETURN(const bool known, IsOfAFarm(store));
  if (!known) {
    Group group;
    group.id = random.Next() >> 16 | 1;  // Not 0, and readable for people.
    group.keys = {{1, DrawKey(random)}};
    group.next_key_id = 2;
    absl::MutexLock order(&registrar->order_);
    STRATA_RETURN_IF_ERROR(registrar->SaveGroup(group));
  }
  STRATA_RETURN_IF_ERROR(registrar->Reload());
  return registrar;
}

StatusOr<bool> Registrar::IsOfAFarm(store::Store& store) {
  STRATA_ASSIGN_OR_RETURN(const std::optional<std::string> group, store.Get(kFarmTable, kGroupKey));
  return group.has_value();
}

Status Registrar::Reload() {
  absl::MutexLock order(&order_);
  STRATA_ASSIGN_OR_RETURN(Group group, ReadGroup(store_));
  STRATA_ASSIGN_OR_RETURN(auto engines, ReadEngines(store_));
  STRATA_ASSIGN_OR_RETURN(last_id_, ReadLastId(store_));
  for (const auto& [name, engine] : engines) last_id_ = std::max(last_id_, engine.info.id.value());
  absl::MutexLock lock(&mutex_);
  group_ = std::move(group);
  engines_ = std::move(engines);
  return Ok();
}

StatusOr<Registrar::Group> Registrar::ReadGroup(store::Store& store) {
  STRATA_ASSIGN_OR_RETURN(const std::optional<std::string> value, store.Get(kFarmTable, kGroupKey));
  stored::StoredGroup record;
  if (!value || !record.ParseFromString(*value)) return Unreadable("the group");
  Group group;
  group.id = record.group_id();
  group.next_key_id = record.next_key_id();
  for (const stored::StoredKey& key : record.keys()) {
    group.keys.push_back({static_cast<uint8_t>(key.id()), ToBytes(key.key())});
  }
  return group;
}

StatusOr<std::map<std::string, Registrar::Engine>> Registrar::ReadEngines(store::Store& store) {
  std::map<std::string, Engine> engines;
  Status status;
  STRATA_RETURN_IF_ERROR(
      store.VisitTable(kEngineTable, [&](std::string_view name, std::string_view value) {
        StatusOr<Engine> engine = ReadEngine(name, value);
        if (!engine.ok()) {
          status = engine.status();
          return false;
        }
        engines[std::string(name)] = *std::move(engine);
        return true;
      }));
  STRATA_RETURN_IF_ERROR(status);
  return engines;
}

// Ids are never given twice, also not after a removal: the removed ones are remembered so.
StatusOr<uint32_t> Registrar::ReadLastId(store::Store& store) {
  STRATA_ASSIGN_OR_RETURN(const std::optional<std::string> last, store.Get(kFarmTable, kLastIdKey));
  if (!last) return 0;
  const std::optional<uint32_t> id = ParseNumber<uint32_t>(*last);
  if (!id) return Unreadable("the last engine id");
  return *id;
}

Status Registrar::SaveGroup(const Group& group) {
  stored::StoredGroup record;
  record.set_group_id(group.id);
  record.set_next_key_id(group.next_key_id);
  for (const multicast::GroupKey& key : group.keys) {
    stored::StoredKey* added = record.add_keys();
    added->set_id(key.id);
    added->set_key(key.bytes.data(), key.bytes.size());
  }
  store::IntentBatch batch;
  batch.puts.push_back({kFarmTable, kGroupKey, record.SerializeAsString()});
  STRATA_RETURN_IF_ERROR(store_.Commit(batch));
  absl::MutexLock lock(&mutex_);
  group_ = group;
  return Ok();
}

Status Registrar::SaveEngine(const Engine& engine) {
  stored::StoredEngine record;
  record.set_id(engine.info.id.value());
  record.set_registration(engine.registration);
  record.set_instance(engine.instance.data(), engine.instance.size());
  Bytes info;
  Encode(engine.info, info);
  record.set_info(info.data(), info.size());
  record.set_draining(engine.draining);
  store::IntentBatch batch;
  batch.puts.push_back({kEngineTable, engine.info.name, record.SerializeAsString()});
  batch.puts.push_back({kFarmTable, kLastIdKey, std::to_string(last_id_)});
  STRATA_RETURN_IF_ERROR(store_.Commit(batch));
  absl::MutexLock lock(&mutex_);
  engines_[engine.info.name] = engine;
  return Ok();
}

std::optional<Registrar::Engine> Registrar::FindStart(const farm::EngineInfo& info,
                                                      ByteSpan instance) const {
  StatusOr<Engine> known = Find(info.name);
  if (!known.ok() || !std::ranges::equal(instance, known->instance)) return std::nullopt;
  farm::EngineInfo same = info;
  same.id = known->info.id;
  if (same != known->info) return std::nullopt;
  return *std::move(known);
}

// The id is not given again, also if the registration fails: it may be on a disk.
StatusOr<Registrar::Engine> Registrar::NewEngine() {
  {
    absl::MutexLock lock(&mutex_);
    if (engines_.size() >= kEnginesMax) {
      return ResourceExhausted("the farm has %zu engines already; remove some first", kEnginesMax);
    }
  }
  last_id_ = std::max(last_id_ + 1, kFirstEngineId);
  Engine engine;
  engine.info.id = farm::EngineId(last_id_);
  return engine;
}

StatusOr<Registrar::Engine> Registrar::Register(const farm::EngineInfo& info, ByteSpan instance) {
  if (std::optional<Engine> start = FindStart(info, instance)) return *std::move(start);
  absl::MutexLock order(&order_);
  // Whoever asked again while the first time still waited has its registration by now.
  if (std::optional<Engine> start = FindStart(info, instance)) return *std::move(start);
  StatusOr<Engine> engine = Find(info.name);
  if (!engine.ok()) engine = NewEngine();
  STRATA_RETURN_IF_ERROR(engine);
  const farm::EngineId id = engine->info.id;
  engine->info = info;
  engine->info.id = id;
  engine->instance.assign(instance.begin(), instance.end());
  ++engine->registration;
  STRATA_RETURN_IF_ERROR(SaveEngine(*engine));
  return engine;
}

Status Registrar::CheckRenewal(const std::string& name, ByteSpan instance,
                               uint64_t registration) const {
  absl::MutexLock lock(&mutex_);
  const auto it = engines_.find(name);
  if (it == engines_.end()) return NotFound("engine %s is not registered", name.c_str());
  const Bytes& current = it->second.instance;
  if (current.empty()) {
    return FailedPrecondition("engine %s has to register again: the manager was restored",
                              name.c_str());
  }
  if (it->second.registration != registration || !std::ranges::equal(instance, current)) {
    return FailedPrecondition("another process has registered as engine %s", name.c_str());
  }
  return Ok();
}

Status Registrar::SetDraining(const std::string& name, bool draining) {
  absl::MutexLock order(&order_);
  STRATA_ASSIGN_OR_RETURN(Engine engine, Find(name));
  engine.draining = draining;
  return SaveEngine(engine);
}

Status Registrar::Remove(const std::string& name) {
  absl::MutexLock order(&order_);
  STRATA_RETURN_IF_ERROR(Find(name));
  store::IntentBatch batch;
  batch.deletes.push_back({kEngineTable, name});
  STRATA_RETURN_IF_ERROR(store_.Commit(batch));
  absl::MutexLock lock(&mutex_);
  engines_.erase(name);
  return Ok();
}

StatusOr<Registrar::Engine> Registrar::Find(const std::string& name) const {
  absl::MutexLock lock(&mutex_);
  const auto it = engines_.find(name);
  if (it == engines_.end()) return NotFound("there is no engine %s", name.c_str());
  return it->second;
}

std::vector<Registrar::Engine> Registrar::engines() const {
  absl::MutexLock lock(&mutex_);
  std::vector<Engine> all;
  for (const auto& [name, engine] : engines_) all.push_back(engine);
  return all;
}

Registrar::Group Registrar::group() const {
  absl::MutexLock lock(&mutex_);
  return group_;
}

uint64_t Registrar::group_id() const { return group().id; }

std::vector<multicast::GroupKey> Registrar::keys() const { return group().keys; }

Status Registrar::AddKey(RandomSource& random) {
  absl::MutexLock order(&order_);
  Group changed = group();
  if (changed.keys.size() > 1) return Ok();
  changed.keys.push_back({static_cast<uint8_t>(changed.next_key_id), DrawKey(random)});
  changed.next_key_id = (changed.next_key_id + 1) % kKeyIds;
  return SaveGroup(changed);
}

Status Registrar::UseNewestKey() {
  absl::MutexLock order(&order_);
  Group changed = group();
  // The newest has the id before the next one.
  const uint32_t newest = (changed.next_key_id + kKeyIds - 1) % kKeyIds;
  if (changed.keys.size() < 2 || changed.keys.front().id == newest) return Ok();
  std::swap(changed.keys.front(), changed.keys.back());
  return SaveGroup(changed);
}

Status Registrar::ForgetOldKeys() {
  absl::MutexLock order(&order_);
  Group changed = group();
  if (changed.keys.size() < 2) return Ok();
  changed.keys.resize(1);
  return SaveGroup(changed);
}

}  // namespace strata::manager::control

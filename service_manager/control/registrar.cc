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
  absl::MutexLock lock(&registrar->mutex_);
  if (!known) {
    // Not 0, and readable for people.
    STRATA_RETURN_IF_ERROR(
        registrar->SaveGroup(random.Next() >> 16 | 1, {{1, DrawKey(random)}}, 2));
  }
  STRATA_RETURN_IF_ERROR(registrar->Load());
  return registrar;
}

StatusOr<bool> Registrar::IsOfAFarm(store::Store& store) {
  STRATA_ASSIGN_OR_RETURN(const std::optional<std::string> group, store.Get(kFarmTable, kGroupKey));
  return group.has_value();
}

Status Registrar::Reload() {
  Registrar fresh(store_);
  absl::MutexLock lock(&mutex_);
  absl::MutexLock lock_fresh(&fresh.mutex_);
  STRATA_RETURN_IF_ERROR(fresh.Load());
  engines_ = std::move(fresh.engines_);
  last_id_ = fresh.last_id_;
  group_id_ = fresh.group_id_.load();
  keys_ = std::move(fresh.keys_);
  next_key_id_ = fresh.next_key_id_;
  return Ok();
}

Status Registrar::Load() {
  STRATA_ASSIGN_OR_RETURN(const std::optional<std::string> group,
                          store_.Get(kFarmTable, kGroupKey));
  stored::StoredGroup record;
  if (!group || !record.ParseFromString(*group)) return Unreadable("the group");
  group_id_ = record.group_id();
  next_key_id_ = record.next_key_id();
  keys_.clear();
  for (const stored::StoredKey& key : record.keys()) {
    keys_.push_back({static_cast<uint8_t>(key.id()), ToBytes(key.key())});
  }
  Status status;
  STRATA_RETURN_IF_ERROR(
      store_.VisitTable(kEngineTable, [&](std::string_view name, std::string_view value) {
        mutex_.AssertHeld();  // The analysis does not look through the visit.
        StatusOr<Engine> engine = ReadEngine(name, value);
        if (!engine.ok()) {
          status = engine.status();
          return false;
        }
        last_id_ = std::max(last_id_, engine->info.id.value());
        engines_[std::string(name)] = *std::move(engine);
        return true;
      }));
  // Ids are never given twice, also not after a removal: the removed ones are remembered so.
  STRATA_ASSIGN_OR_RETURN(const std::optional<std::string> last, store_.Get(kFarmTable, "last_id"));
  if (last) {
    const std::optional<uint32_t> id = ParseNumber<uint32_t>(*last);
    if (!id) return Unreadable("the last engine id");
    last_id_ = std::max(last_id_, *id);
  }
  return status;
}

Status Registrar::SaveGroup(uint64_t id, const std::vector<multicast::GroupKey>& keys,
                            uint32_t next) {
  stored::StoredGroup record;
  record.set_group_id(id);
  record.set_next_key_id(next);
  for (const multicast::GroupKey& key : keys) {
    stored::StoredKey* added = record.add_keys();
    added->set_id(key.id);
    added->set_key(key.bytes.data(), key.bytes.size());
  }
  store::IntentBatch batch;
  batch.puts.push_back({kFarmTable, kGroupKey, record.SerializeAsString()});
  STRATA_RETURN_IF_ERROR(store_.Commit(batch));
  group_id_ = id;
  keys_ = keys;
  next_key_id_ = next;
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
  batch.puts.push_back({kFarmTable, "last_id", std::to_string(last_id_)});
  STRATA_RETURN_IF_ERROR(store_.Commit(batch));
  engines_[engine.info.name] = engine;
  return Ok();
}

StatusOr<Registrar::Engine> Registrar::Register(const farm::EngineInfo& info, ByteSpan instance) {
  absl::MutexLock lock(&mutex_);
  const auto it = engines_.find(info.name);
  Engine engine;
  if (it == engines_.end()) {
    if (engines_.size() >= kEnginesMax) {
      return ResourceExhausted("the farm has %zu engines already; remove some first", kEnginesMax);
    }
    engine.info = info;
    engine.info.id = farm::EngineId(std::max(last_id_ + 1, kFirstEngineId));
    last_id_ = engine.info.id.value();
  } else {
    engine = it->second;
    const farm::EngineId id = engine.info.id;
    const bool same = std::equal(instance.begin(), instance.end(), engine.instance.begin(),
                                 engine.instance.end());
    engine.info = info;
    engine.info.id = id;
    if (same && engine.info == it->second.info) return engine;
  }
  engine.instance.assign(instance.begin(), instance.end());
  ++engine.registration;
  STRATA_RETURN_IF_ERROR(SaveEngine(engine));
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
  if (it->second.registration != registration ||
      !std::equal(instance.begin(), instance.end(), current.begin(), current.end())) {
    return FailedPrecondition("another process has registered as engine %s", name.c_str());
  }
  return Ok();
}

Status Registrar::SetDraining(const std::string& name, bool draining) {
  absl::MutexLock lock(&mutex_);
  const auto it = engines_.find(name);
  if (it == engines_.end()) return NotFound("there is no engine %s", name.c_str());
  Engine engine = it->second;
  engine.draining = draining;
  return SaveEngine(engine);
}

Status Registrar::Remove(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  if (!engines_.contains(name)) return NotFound("there is no engine %s", name.c_str());
  store::IntentBatch batch;
  batch.deletes.push_back({kEngineTable, name});
  STRATA_RETURN_IF_ERROR(store_.Commit(batch));
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

uint64_t Registrar::group_id() const { return group_id_; }

std::vector<multicast::GroupKey> Registrar::keys() const {
  absl::MutexLock lock(&mutex_);
  return keys_;
}

Status Registrar::AddKey(RandomSource& random) {
  absl::MutexLock lock(&mutex_);
  if (keys_.size() > 1) return Ok();
  std::vector<multicast::GroupKey> keys = keys_;
  keys.push_back({static_cast<uint8_t>(next_key_id_), DrawKey(random)});
  return SaveGroup(group_id_, keys, (next_key_id_ + 1) % kKeyIds);
}

Status Registrar::UseNewestKey() {
  absl::MutexLock lock(&mutex_);
  // The newest has the id before the next one.
  const uint32_t newest = (next_key_id_ + kKeyIds - 1) % kKeyIds;
  std::vector<multicast::GroupKey> keys = keys_;
  if (keys.size() < 2 || keys.front().id == newest) return Ok();
  std::swap(keys.front(), keys.back());
  return SaveGroup(group_id_, keys, next_key_id_);
}

Status Registrar::ForgetOldKeys() {
  absl::MutexLock lock(&mutex_);
  if (keys_.size() < 2) return Ok();
  return SaveGroup(group_id_, {keys_.front()}, next_key_id_);
}

}  // namespace strata::manager::control

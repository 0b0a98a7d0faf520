#include "service_manager/control/witness_book.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "proto/manager_store.pb.h"
#include "service_manager/control/registrar.h"

namespace strata::manager::control {
namespace {

constexpr char kTable[] = "witnesses";

}  // namespace

StatusOr<uint32_t> WitnessBook::Attend(const std::string& name, ByteSpan instance, Timestamp now) {
  if (instance.size() != kInstanceBytes) {
    return InvalidArgument("instance: %zu bytes, not %zu", kInstanceBytes, instance.size());
  }
  absl::MutexLock lock(&mutex_);
  const auto it = alive_.find(name);
  const bool same =
      it != alive_.end() && std::equal(instance.begin(), instance.end(),
                                       it->second.instance.begin(), it->second.instance.end());
  if (it != alive_.end() && !same && now - it->second.asked < kWitnessAliveFor) {
    return AlreadyExists("another process of the witness %s is alive", name.c_str());
  }
  STRATA_ASSIGN_OR_RETURN(const uint32_t id, IdOf(name));
  alive_[name] = {Bytes(instance.begin(), instance.end()), now};
  return id;
}

StatusOr<uint32_t> WitnessBook::IdOf(const std::string& name) {
  const StatusOr<uint32_t> known = Find(name);
  if (known.status().code() != StatusCode::kNotFound) return known;
  strata::manager::store::v1::StoredWitness record;
  uint32_t id = kWitnessIdFirst;
  STRATA_RETURN_IF_ERROR(store_.VisitTable(kTable, [&](std::string_view, std::string_view value) {
    if (record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      id = std::max(id, record.id() + 1);
    }
    return true;
  }));
  if (id >= kWitnessIdFirst + kWitnessesMax) {
    return ResourceExhausted("the farm has had %u witnesses; give a new one an old one's name",
                             kWitnessesMax);
  }
  record.set_id(id);
  store::IntentBatch batch;
  batch.puts.push_back({kTable, name, record.SerializeAsString()});
  STRATA_RETURN_IF_ERROR(store_.Commit(batch));
  return id;
}

StatusOr<uint32_t> WitnessBook::Find(const std::string& name) const {
  STRATA_ASSIGN_OR_RETURN(const std::optional<std::string> stored, store_.Get(kTable, name));
  if (!stored) return NotFound("there is no witness %s", name.c_str());
  strata::manager::store::v1::StoredWitness record;
  if (record.ParseFromString(*stored)) return record.id();
  return DataLoss("the store's record of witness %s cannot be read", name.c_str());
}

}  // namespace strata::manager::control

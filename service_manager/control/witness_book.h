#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/bytes.h"
#include "common/status.h"
#include "common/time.h"
#include "service_manager/store/store.h"

namespace strata::manager::control {

// Ids of witnesses in their farm's group: between those of managers and those of engines.
inline constexpr uint32_t kWitnessIdFirst = 85;
inline constexpr uint32_t kWitnessesMax = 16;
// Who asked within this time is alive: another process of his name is not let in.
inline constexpr Duration kWitnessAliveFor = std::chrono::seconds(5);

// The witnesses of a farm, as its store has them. Any thread; who is new waits for the disk.
class WitnessBook {
 public:
  explicit WitnessBook(store::Store& store) : store_(store) {}

  // The id of the witness of that name, for ever; a new one if it is new. AlreadyExists: another
  // instance of it is alive. ResourceExhausted: too many. InvalidArgument: no instance.
  StatusOr<uint32_t> Attend(const std::string& name, ByteSpan instance, Timestamp now);

  // The id of a witness that the farm knows. NotFound.
  StatusOr<uint32_t> Find(const std::string& name) const;

 private:
  struct Alive {
    Bytes instance;
    Timestamp asked;
  };

  StatusOr<uint32_t> IdOf(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  store::Store& store_;  // Read each time: another manager may have written it.
  absl::Mutex mutex_;
  std::map<std::string, Alive> alive_ ABSL_GUARDED_BY(mutex_);  // At most kWitnessesMax.
};

}  // namespace strata::manager::control

#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "service_manager/store/store.h"

namespace strata::manager::control {

// Ids of managers in their farm's group: 1 is the one that founded it.
inline constexpr uint32_t kManagersMax = 16;

// The managers of a farm, as its store has them. Any thread; Enroll waits for the disk.
class ManagerBook {
 public:
  struct Entry {
    uint32_t id = 0;      // In the farm's group, for ever.
    std::string address;  // HOST:PORT of its RPC.
  };

  explicit ManagerBook(store::Store& store) : store_(store) {}

  // Reads what the store has: at the start, and after it took what another manager wrote.
  Status Load();
  // The id of the manager of that name, a new one if it is new. ResourceExhausted: too many.
  StatusOr<uint32_t> Enroll(const std::string& name, const std::string& address);
  // NotFound. Its id is not given again while another has a higher one.
  Status Remove(const std::string& name);

  std::map<std::string, Entry> all() const;
  StatusOr<Entry> Find(const std::string& name) const;
  std::string NameOf(uint32_t id) const;  // Empty: nobody's.

 private:
  store::Store& store_;
  absl::Mutex order_;  // Held over a write.
  mutable absl::Mutex mutex_;
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::manager::control

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/bytes.h"
#include "common/random.h"
#include "common/status.h"
#include "farm/messages.h"
#include "multicast/driver/key_file.h"
#include "service_manager/store/store.h"

namespace strata::manager::control {

// Engines of a farm that were ever registered.
inline constexpr size_t kEnginesMax = 1000;
// Bytes of an engine's instance, which tells one start of its process from another.
inline constexpr size_t kInstanceBytes = 16;

// Who the engines of the farm are, and the keys of its group: what must be durable before it is
// acknowledged. Any thread; calls that change something wait for the disk and for other managers,
// one after the other. Those that ask do not: they are told what was committed last.
class Registrar {
 public:
  struct Engine {
    farm::EngineInfo info;
    uint64_t registration = 0;
    Bytes instance;
    bool draining = false;
  };

  // Whether the store is of a farm already, or new.
  static StatusOr<bool> IsOfAFarm(store::Store& store);
  // Reads what the store has; draws the group's number and first key if it is new.
  static StatusOr<std::unique_ptr<Registrar>> Open(store::Store& store, RandomSource& random);

  // What the store has, which another wrote to; an error leaves what was known.
  Status Reload();

  // A start of the engine `info.name`: gives its id (the one of `info` does not count) and its
  // registration. The same instance again keeps its registration, and does not wait. Errors as of
  // the store; ResourceExhausted: too many engines.
  StatusOr<Engine> Register(const farm::EngineInfo& info, ByteSpan instance);
  // NotFound, FailedPrecondition: the engine has to register again, and why.
  Status CheckRenewal(const std::string& name, ByteSpan instance, uint64_t registration) const;
  Status SetDraining(const std::string& name, bool draining);
  Status Remove(const std::string& name);

  StatusOr<Engine> Find(const std::string& name) const;
  std::vector<Engine> engines() const;  // By name.

  uint64_t group_id() const;
  std::vector<multicast::GroupKey> keys() const;  // The one to send with first.
  // The steps of a change of key (key_rotation.h); each does nothing if it was done.
  Status AddKey(RandomSource& random);  // A new one, not to send with yet.
  Status UseNewestKey();                // To send with.
  Status ForgetOldKeys();               // All but the one to send with.

 private:
  explicit Registrar(store::Store& store) : store_(store) {}

  struct Group {
    uint64_t id = 0;
    std::vector<multicast::GroupKey> keys;  // At most two.
    uint32_t next_key_id = 0;
  };
  static StatusOr<Group> ReadGroup(store::Store& store);
  static StatusOr<std::map<std::string, Engine>> ReadEngines(store::Store& store);
  static StatusOr<uint32_t> ReadLastId(store::Store& store);

  Group group() const;
  // The engine if it is registered just like that.
  std::optional<Engine> FindStart(const farm::EngineInfo& info, ByteSpan instance) const;
  StatusOr<Engine> NewEngine() ABSL_EXCLUSIVE_LOCKS_REQUIRED(order_);
  Status SaveEngine(const Engine& engine) ABSL_EXCLUSIVE_LOCKS_REQUIRED(order_);
  Status SaveGroup(const Group& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(order_);

  store::Store& store_;
  absl::Mutex order_;  // Held over a write, and taken before the other.
  uint32_t last_id_ ABSL_GUARDED_BY(order_) = 0;
  mutable absl::Mutex mutex_;  // Never held over a write.
  std::map<std::string, Engine> engines_ ABSL_GUARDED_BY(mutex_);
  Group group_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::manager::control

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "common/address.h"
#include "common/status.h"
#include "service_manager/directory/location.h"
#include "service_manager/federation/holder_name.h"
#include "service_manager/store/store.h"

namespace strata::manager::control {

// Numbers of holders that children told of. Engines of the own farm are numbered by their ids in
// the group, which stay below.
inline constexpr uint32_t kHolderNumberFirst = uint32_t{1} << 31;
// Holders of all children, and of one child.
inline constexpr size_t kHoldersMax = 200'000;
inline constexpr size_t kHoldersOfChildMax = 65'536;
// That are written together.
inline constexpr size_t kHoldersAtOnceMax = 1000;

// The holders that children told of and their numbers in this manager's scope, as its store has
// them. docs/protocols/federation.md, 1. A number is given once: what is left somewhere of a holder
// that was forgotten never looks like one of another. The farm's managers share the numbers, so
// each one's locations mean the same to the one that leads next.
//
// Any thread; who writes waits for the disk.
class HolderBook {
 public:
  // What a child tells of one of its holders.
  struct Told {
    federation::HolderName name;
    std::vector<Endpoint> clients = {};  // Where clients reach the engine.
  };
  struct Entry {
    directory::Holder number;
    federation::HolderName name;
    std::vector<Endpoint> clients;
    std::string child;  // Whose feed told of it last.
  };
  using EntryPtr = std::shared_ptr<const Entry>;

  explicit HolderBook(store::Store& store) : store_(store) {}

  // Reads what the store has: at the start, and when this manager begins to lead, after others
  // wrote. DataLoss: it cannot be read; what was known stays.
  Status Load();

  // The numbers of these holders, in their order; new ones for those that are new, and their
  // addresses as told here. `child`: whose feed tells of them. Waits for the disk only if something
  // is new. PermissionDenied: a holder outside of the child's scope. ResourceExhausted: more than
  // kHoldersOfChildMax of this child, or kHoldersMax in all. After an error of the store some of
  // the new ones may be written: asking again gives them the same numbers.
  StatusOr<std::vector<directory::Holder>> Enroll(const std::string& child,
                                                  std::span<const Told> holders);
  // Forgets the holders that this child told of last and that are not `in_use`; gives how many.
  // `in_use` says whether the index has locations of a number, and is called under the lock. What
  // was removed from the index must have been given to the store before: then it is gone there
  // whenever the number is. No stream that uses these numbers may be there meanwhile.
  StatusOr<size_t> Forget(const std::string& child,
                          absl::FunctionRef<bool(directory::Holder)> in_use);

  // Null: not known, or not any more.
  EntryPtr Find(directory::Holder number) const;
  std::optional<directory::Holder> Find(const federation::HolderName& name) const;
  // Of this scope and those below, in the order of their names.
  std::vector<EntryPtr> OfScope(const std::string& scope) const;
  // That this child told of last: nobody else told of them since. In the order of their names.
  std::vector<EntryPtr> OfChild(const std::string& child) const;
  std::vector<EntryPtr> all() const;
  // Children that told of a holder last, in order.
  std::vector<std::string> Children() const;
  size_t size() const;
  // Grows with each change: for who keeps something made of the entries. Not the same at two
  // managers.
  uint64_t changes() const;

 private:
  using ByName = std::map<federation::HolderName, EntryPtr>;

  // Each holder once, as it was told last.
  using Wanted = std::map<federation::HolderName, const Told*>;
  // All of it is here like that, and at all managers that may lead next.
  bool Knows(const std::string& child, const Wanted& wanted) const;
  static bool IsLike(const Entry& entry, const std::string& child, const Told& told) {
    return entry.child == child && entry.clients == told.clients;
  }
  Status CheckRoom(const std::string& child, const Wanted& wanted) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsAcknowledged() const;
  Status Write(const std::string& child, const Wanted& wanted)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(order_);
  // Those that are new, or changed, with the numbers that they are to have.
  StatusOr<std::vector<EntryPtr>> Draw(const std::string& child, const Wanted& wanted)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(order_);
  Status LoadAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(order_);
  Status Save(std::span<const EntryPtr> entries) ABSL_EXCLUSIVE_LOCKS_REQUIRED(order_);
  Status Remove(std::span<const EntryPtr> entries) ABSL_EXCLUSIVE_LOCKS_REQUIRED(order_);
  // Commits; what is in memory is acknowledged from then on, or not any longer.
  Status Commit(const store::IntentBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(order_);
  void Visit(const std::string& scope, absl::FunctionRef<void(const EntryPtr&)> visit) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountOf(const std::string& child, int more) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  store::Store& store_;
  absl::Mutex order_ ABSL_ACQUIRED_BEFORE(mutex_);  // Held over a write.
  uint64_t next_ ABSL_GUARDED_BY(order_) = kHolderNumberFirst;
  mutable absl::Mutex mutex_;
  // A write was acknowledged since the last one that was not, and since all was read: it lies
  // behind whatever is here, so no manager that leads next lacks a number that is in use.
  bool acknowledged_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  ByName by_name_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<directory::Holder, EntryPtr> by_number_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, size_t> holders_of_ ABSL_GUARDED_BY(mutex_);  // By child; none is 0.
};

}  // namespace strata::manager::control

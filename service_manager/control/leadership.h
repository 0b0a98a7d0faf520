#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "multicast/wire/types.h"
#include "service_manager/control/manager_book.h"
#include "service_manager/store/mirrored_store.h"

namespace strata::manager::control {

// Who leads the farm, as this manager sees it in the views of the farm's group, and what the store
// that mirrors intent has to do about it (docs/decisions/0015). Any thread; OnView is for one.
class Leadership {
 public:
  // `self`: this manager in the group. `follow`: true, the store follows from now on whoever leads,
  // by a stream that begins after the call; false, it does not. Called by OnView and Begin.
  Leadership(multicast::MemberId self, std::function<void(bool)> follow,
             store::MirroredStore& store, const ManagerBook& book)
      : self_(self), follow_(std::move(follow)), store_(store), book_(book) {}

  // A view; one of no members: this manager is in none. If it is to lead by it, somebody who may
  // wait for the disk has to call Begin.
  void OnView(const multicast::View& view);
  // Whether the last view makes this manager lead, and it does not yet.
  bool is_to_begin() const;
  // Makes the store write, in a term of its own. False: a later view has it otherwise.
  StatusOr<bool> Begin();

  bool leads() const;
  // Whether there was never another manager: nobody else can have written intent, and this one may
  // write it also while too few members are in reach to lead them. So engines that vote can
  // register, and come.
  bool is_sole() const { return book_.all().size() <= 1; }
  // Unavailable: who leads instead, as far as it is known.
  Status CheckLeads() const;
  // The name of the manager that leads; empty: nobody, or nobody knows.
  std::string leader() const;
  // The number of the view that makes this manager a learner who waits to be ready, if it is one.
  std::optional<uint32_t> learns_in() const;

 private:
  void Require(const multicast::View& view);

  const multicast::MemberId self_;
  const std::function<void(bool)> follow_;
  store::MirroredStore& store_;
  const ManagerBook& book_;

  mutable absl::Mutex mutex_;
  bool to_lead_ ABSL_GUARDED_BY(mutex_) = false;  // By the last view.
  bool leads_ ABSL_GUARDED_BY(mutex_) = false;    // And the store writes.
  uint64_t term_ ABSL_GUARDED_BY(mutex_) = 0;
  multicast::MemberId leader_ ABSL_GUARDED_BY(mutex_){};
  std::optional<uint32_t> learns_in_ ABSL_GUARDED_BY(mutex_);
  multicast::Incarnation membership_;  // Of OnView: in which it follows.
};

}  // namespace strata::manager::control

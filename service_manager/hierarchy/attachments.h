#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/time.h"
#include "service_manager/hierarchy/attachment.h"
#include "service_manager/routing/federation_snapshot.h"
#include "service_manager/routing/scope_load_table.h"

namespace strata::manager::hierarchy {

// A child as its parent knows it. Without stream it is as it was when it was heard last.
struct ChildNow {
  AttachHello hello;
  std::string manager;     // The name in the certificate of who attached last.
  bool connected = false;  // Its stream is there.
  Timestamp heard;         // By this process's clock.
  ChildPart part;
  // It, or somebody beneath it, does not tell its parent of some copies: it has to be asked.
  bool hides_copies = false;
};

// What a manager knows of its children now: whatever they said over their streams, kept until the
// application says that a child is to be forgotten. Any thread.
class Attachments {
 public:
  // `changed`: a child came, went, was forgotten, or is another (its managers, front ends, policy);
  // called without locks, by whoever changes it. Loads and subtrees come each second, without it.
  explicit Attachments(std::function<void()> changed = [] {}) : changed_(std::move(changed)) {}

  // ---- Of the child's stream. One at a time for a child.

  // FailedPrecondition: its manager was deposed. Children without stream whose scope covers this
  // one, or lies within it, are forgotten: the tree is another now.
  Status OnAttached(const AttachHello& hello, const std::string& manager, Timestamp now);
  void OnPart(const std::string& child, ChildPart part, Timestamp now);
  // As CheckSubtree() and ScopeLoadTable::Apply say; nothing has changed then.
  Status OnReport(const std::string& child, ChildReport report, Timestamp now);
  void OnDetached(const std::string& child, Timestamp now);

  // ---- Of the application.

  // Does nothing for one that has a stream.
  void Forget(const std::string& child);
  std::vector<ChildNow> children() const;  // By scope.
  // As a FederationSnapshot wants them.
  std::vector<routing::ChildScope> routed_children() const;
  // Reads the loads, within the lock: to make a FederationSnapshot. `read` is short.
  void WithLoads(absl::FunctionRef<void(const routing::ScopeLoadTable&)> read) const;
  // As ScopeLoadTable::Report.
  routing::LoadReport Loads(const std::string& own, Timestamp now) const;
  // `own` and all that the children told of, within its limits. The engines of all farms beneath
  // are added to those of `own`.
  Subtree SubtreeUnder(SubtreeScope own, Timestamp now) const;

 private:
  struct Child {
    ChildNow now;
    Subtree subtree;
    Timestamp reported;  // When the subtree came.
  };

  static void Append(const Child& child, Timestamp now, Subtree& subtree);
  void ForgetLocked(const std::string& child) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeRoomFor(const std::string& child) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::function<void()> changed_;
  mutable absl::Mutex mutex_;
  std::map<std::string, Child> children_ ABSL_GUARDED_BY(mutex_);  // By scope.
  routing::ScopeLoadTable loads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::manager::hierarchy

#pragma once

#include <functional>

#include "common/time.h"
#include "service_manager/hierarchy/attachment.h"
#include "service_manager/hierarchy/attachments.h"

namespace strata::manager::hierarchy {

// A manager's scope with all beneath it, from what the application knows of the scope itself and
// what the children told. Any thread.
class OwnTree {
 public:
  // `own_part` comes back at once; it is asked each second, and when somebody looks at the tree.
  // `children` outlives this.
  OwnTree(federation::ScopeLevel own, std::function<OwnPart()> own_part,
          const Attachments& children);

  struct Told {
    ChildPart part;
    ChildReport report = {};
  };
  // What the parent is told at `now`, within the limits; people see the report.
  Told At(Timestamp now) const;

  const federation::ScopeLevel& own() const { return own_; }
  LinkPolicy policy() const { return own_part_().part.policy; }

 private:
  const federation::ScopeLevel own_;
  const std::function<OwnPart()> own_part_;
  const Attachments& children_;
};

}  // namespace strata::manager::hierarchy

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"
#include "proto/hierarchy.pb.h"
#include "service_manager/hierarchy/own_tree.h"
#include "service_manager/hierarchy/parent_attachment.h"

// What people ask of the tree, as messages. Any thread.
namespace strata::manager::hierarchy {

// How the attachment to the parent is; nothing: there is to be none.
using Above = std::optional<ParentAttachment::State>;

v1::TreeReply TreeReplyOf(const ChildReport& report, const Above& above);

struct PolicyView {
  federation::ScopeLevel own;
  LinkPolicy policy;
  // Copies that met each rule, and at last those that met none; empty: nobody counts.
  std::vector<uint64_t> hits;
  Above above;
  std::string canonical_uri;  // To test; empty: none.
};
// FailedPrecondition: there is to be no parent.
StatusOr<v1::PolicyReply> PolicyReplyOf(const PolicyView& view);

}  // namespace strata::manager::hierarchy

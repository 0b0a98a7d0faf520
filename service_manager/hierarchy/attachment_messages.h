#pragma once

#include "common/status.h"
#include "proto/hierarchy.pb.h"
#include "service_manager/hierarchy/attachment.h"

// What goes between child and parent, as the room's types. What comes from outside is checked, but
// for what its receiver alone knows: whose it may be. Pure, any thread.
namespace strata::manager::hierarchy {

namespace v1 = strata::manager::hierarchy::v1;

v1::AttachRequest ToRequest(const AttachHello& hello);
v1::AttachRequest ToRequest(const ChildPart& part);
v1::AttachRequest ToRequest(const ChildReport& report);
v1::AttachReply ToReply(const AttachWelcome& welcome);
v1::AttachReply ToReply(const Chain& chain);

void Put(const LinkPolicy& link, v1::LinkPolicy& out);
void Put(const SubtreeScope& scope, v1::SubtreeScope& out);

// The first message of the other side. InvalidArgument: it is another one, or out of bounds;
// FailedPrecondition: another version of the protocol.
StatusOr<AttachHello> FromProto(const v1::AttachRequest& first);
StatusOr<AttachWelcome> FromProto(const v1::AttachReply& first);

// InvalidArgument says what is wrong, and where.
StatusOr<ChildPart> FromProto(const v1::ChildPart& part);
// CheckSubtree() and ScopeLoadTable::Apply look at whose it is.
StatusOr<ChildReport> FromProto(const v1::ChildReport& report);
// CheckChain() looks at whose it is.
StatusOr<Chain> FromProto(const v1::Chain& chain);

}  // namespace strata::manager::hierarchy

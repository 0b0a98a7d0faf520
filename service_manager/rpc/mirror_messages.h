#pragma once

#include <vector>

#include "common/status.h"
#include "proto/mirror.pb.h"
#include "service_manager/store/mirrored_store.h"

// What goes between the managers of a farm, as the store's types. Pure.
namespace strata::manager::rpc {

// The same at both sides, or they refuse each other.
inline constexpr uint32_t kMirrorProtocol = 1;
// About so many bytes of records go into a part of a copy.
inline constexpr size_t kCopyPartBytes = size_t{1} << 20;

strata::manager::mirror::v1::MirrorPosition ToProto(const store::MirrorPosition& position);
store::MirrorPosition FromProto(const strata::manager::mirror::v1::MirrorPosition& position);

strata::manager::mirror::v1::FollowReply ToReply(const store::MirroredStore::Entry& entry);
store::MirroredStore::Entry FromProto(const strata::manager::mirror::v1::Intent& intent);

// A copy in parts; only the last one has a position.
std::vector<strata::manager::mirror::v1::FollowReply> ToReplies(
    const store::MirroredStore::Copy& copy);

// Puts the parts of a copy together again.
class CopyJoiner {
 public:
  // True when the copy is whole. ResourceExhausted beyond store::kIntentsBytesMax.
  StatusOr<bool> Add(const strata::manager::mirror::v1::CopyPart& part);
  // The whole one; the joiner is empty then.
  store::MirroredStore::Copy Take();

 private:
  store::MirroredStore::Copy copy_;
  size_t bytes_ = 0;
};

}  // namespace strata::manager::rpc

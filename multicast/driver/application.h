#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/bytes.h"
#include "multicast/core/actions.h"
#include "multicast/core/core.h"

namespace strata::multicast {

struct PrepareAnswer {
  bool accept = true;
  uint16_t reason = kApplicationReason;  // Of a refusal; kApplicationReason or above.
  Bytes reply;                           // Of an acceptance; at most kMaxReplyBytes.
};

// What a program implements to be a member. The calls come one at a time, from the thread that
// runs the group: the one that calls Group::Poll, or the group's own. They come in the order of
// the protocol: a delivery before a view change belongs to the earlier view. What they refer to
// lives until they return. They may call the group, but not Poll or Leave, and should be quick:
// a member that does not return for the detection timeout is evicted.
class GroupApplication {
 public:
  virtual ~GroupApplication();

  // A message, with commit_number 0 if of received delivery. Also the member's own.
  virtual void OnDeliver(const DeliverAction& message) = 0;

  // May this message be committed? An answer, or nothing: then Group::Answer follows, within the
  // group's prepare timeout.
  virtual std::optional<PrepareAnswer> OnPrepare(const PrepareAction& request);

  // A send of this member ended, in whatever way. Exactly once for each send.
  virtual void OnSendDone(const SendDoneAction& done);

  virtual void OnViewChanged(const ViewChangedAction& change);
  // No view until the next OnViewChanged, and the state is stale until OnInstallSnapshot.
  virtual void OnLeftView(const LeftViewAction& left);
  // These commits were made alone and are void.
  virtual void OnDiverged(const DivergedAction& diverged);

  // The state after all deliveries up to here, for a learner. An answer, or nothing: then
  // Group::ProvideSnapshot follows. Here: the empty state.
  virtual std::optional<Bytes> OnTakeSnapshot(const TakeSnapshotAction& request);
  virtual void OnInstallSnapshot(const InstallSnapshotAction& snapshot);

  // Members were evicted: bring the others a new key, by a way of your own.
  virtual void OnRotateKey(const RotateKeyAction& rotate);
  virtual void OnAlarm(const AlarmAction& alarm);
  // The durable state could not be written; this is tried again, and until it works this member
  // takes no part in what has to be durable.
  virtual void OnStorageError(const std::string& error);
};

}  // namespace strata::multicast

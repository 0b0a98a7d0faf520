#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/member/deferral.h"
#include "farm/member/group_keys.h"
#include "farm/table_replica.h"
#include "farm/version.h"
#include "multicast/group.h"

namespace strata::farm {

// What a process does about what happens in its farm. Called on the group's thread, or while the
// whole state is being restored by a thread that does so, one call at a time, in the group's order,
// after the replica has changed: be quick, hand work to other threads. OnState may take its time.
class FarmListener {
 public:
  virtual ~FarmListener();

  // A committed message that counted, or Probed, which is of received delivery.
  virtual void OnMessage(const Message& message, EngineId origin) = 0;
  // The members of the group are others now; or this process is none at the moment (`joined`
  // false).
  virtual void OnView(const multicast::View& view, bool joined) = 0;
  // The whole state came from another member: anything may be different.
  virtual void OnState() = 0;
  // Members were evicted: they know the group's key.
  virtual void OnRotateKey() {}
};

// Who has not heard a majority of its view's voters for this long is not in touch: others may have
// committed without it.
inline constexpr Duration kInTouchWithin = std::chrono::seconds(3);

// How a message that was sent ended.
enum class SendEnd : uint8_t {
  kCommitted,
  kAborted,
  kUnknown,  // This member left the group meanwhile; the state that it gets next tells.
};

// Sets what has to do with how soon a member is taken for dead; the same in all of a farm.
void SetDetection(Duration detection_timeout, multicast::CoreSettings& settings);

// This process as a member of its farm's multicast group: the replica of table and ledger behind a
// lock, and ways to say something. Owned by the application; any thread may call any method, but
// SendAndWait and Leave are not for the group's thread.
class FarmMember final : private multicast::GroupApplication {
 public:
  // `options.own_thread` is set here, and `options.application_version` if it is 0; with
  // `options.light` it keeps the copies of its own engine only. With `options.core.full_when_ready`
  // it is a full member only after Ready, else as soon as it has restored the state. The listener
  // must outlive the member.
  static StatusOr<std::unique_ptr<FarmMember>> Join(multicast::GroupOptions options,
                                                    const TableSettings& settings,
                                                    FarmListener& listener,
                                                    MetricRegistry& metrics);
  ~FarmMember() override;

  // ---- Saying something. Loads and Present go by received delivery, all else is committed.
  // Unavailable: not in the group, or too much is waiting to be sent; nothing was sent.
  Status Send(const Message& message);
  // The same, and `done` is called once, on the group's thread, when it has ended.
  using Done = std::function<void(SendEnd)>;
  Status Send(const Message& message, Done done);
  // Waits until it is committed. DeadlineExceeded: it may be yet. Aborted and Unknown ends are
  // Unavailable.
  Status SendAndWait(const Message& message, Duration limit);
  // The process is to end: whoever waits in SendAndWait, now or later, waits no longer and gets
  // Unavailable. It may be committed yet.
  void GiveUp();

  // ---- Looking.
  // `read` sees the replica as of one instant, and must be quick: the group waits meanwhile.
  void Read(absl::FunctionRef<void(const TableReplica&)> read) const;
  // For people: the engine's name in the table, "engine 101" if it has none.
  std::string NameOf(EngineId engine) const;
  // Whether a majority of the view's voters, witnesses among them, was heard lately, so that
  // nothing can have been committed without this member.
  bool InTouch() const;
  // When the last of a majority of the voters was heard, by packets of any kind (Core's
  // majority_heard). Never waits.
  Timestamp majority_heard() const { return group_->majority_heard(); }
  multicast::View view() const { return group_->view(); }
  bool joined() const;
  // In which version all members of the view speak; of what came with a later one Send says
  // Unavailable.
  uint8_t spoken_version() const;

  // ---- Keys of the group, as multicast::Group.
  Status UseKeys(const std::vector<multicast::GroupKey>& keys);

  // Takes the farm's whole state anew, since this replica is not to be believed: OnView with
  // `joined` false, then OnState. Errors as of multicast::Group.
  Status StartOver() { return group_->StartOver(); }

  // This manager leads from soon on, in an orderly way. Errors as of multicast::Group.
  Status Promote() { return group_->Promote(); }
  // As multicast::Group.
  Status LeadAnyway() { return group_->LeadAnyway(); }
  Status Ready(uint32_t view_number);

  Endpoint unicast() const { return group_->unicast(); }
  void Observe(CopyObserver* observer);
  // Brings the group's counters in the registry up to date.
  void RefreshMetrics();
  // No callback follows. Not from a callback.
  void Leave();

 private:
  FarmMember(const TableSettings& settings, FarmListener& listener, uint8_t version);

  // What the callbacks do, with no other of them at the same time.
  void Deliver(multicast::StreamId stream, EngineId origin, uint64_t commit_number,
               ByteSpan message);
  void SetView(const multicast::ViewChangedAction& change);
  void LeaveView(const multicast::LeftViewAction& left);
  void Restore(const Bytes& state, uint64_t commit_number);
  // Does it at once, or behind what was deferred.
  void InOrder(std::function<void()> work);
  // Tells the group that this member may be full, if all that it takes is there.
  void TellReady();

  void OnDeliver(const multicast::DeliverAction& message) override;
  void OnSendDone(const multicast::SendDoneAction& done) override;
  void OnViewChanged(const multicast::ViewChangedAction& change) override;
  void OnLeftView(const multicast::LeftViewAction& left) override;
  std::optional<Bytes> OnTakeSnapshot(const multicast::TakeSnapshotAction& request) override;
  void OnInstallSnapshot(const multicast::InstallSnapshotAction& snapshot) override;
  void OnRotateKey(const multicast::RotateKeyAction& rotate) override;
  void OnAlarm(const multicast::AlarmAction& alarm) override;
  void OnStorageError(const std::string& error) override;

  FarmListener& listener_;
  struct Instruments;
  std::unique_ptr<Instruments> instruments_;

  mutable absl::Mutex mutex_;
  TableReplica replica_ ABSL_GUARDED_BY(mutex_);
  multicast::View view_ ABSL_GUARDED_BY(mutex_);
  VersionGate versions_ ABSL_GUARDED_BY(mutex_);
  bool joined_ ABSL_GUARDED_BY(mutex_) = false;
  // Of this membership: the number of a view in which this member may be full, as far as the
  // application goes, and whether the state is restored.
  std::optional<uint32_t> ready_in_ ABSL_GUARDED_BY(mutex_);
  bool restored_ ABSL_GUARDED_BY(mutex_) = false;
  bool application_tells_ready_ = false;
  EngineId self_;
  std::unique_ptr<GroupKeys> keys_;
  mutable absl::Mutex send_mutex_;  // Before mutex_, never with it.
  std::map<multicast::SendId, Done> waiting_ ABSL_GUARDED_BY(send_mutex_);
  absl::Mutex wait_mutex_;  // Of SendAndWait.
  bool given_up_ ABSL_GUARDED_BY(wait_mutex_) = false;

  // To restore, or write, the state of a large farm takes seconds, in which the group must have its
  // thread.
  Deferral deferral_;
  std::unique_ptr<multicast::Group> group_;  // Last: its thread ends first.
};

}  // namespace strata::farm

#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "common/status.h"
#include "multicast/driver/application.h"
#include "multicast/driver/driver.h"
#include "multicast/driver/mailbox.h"
#include "multicast/driver/options.h"

namespace strata::multicast {

// What a member is, as any thread may ask.
struct GroupStatus {
  View view;  // number 0: none.
  MemberStatus status = MemberStatus::kNone;
};

// A driver with a thread of its own, and the ways to it from other threads. The application is
// called on that thread.
class OwnThread final : private GroupApplication {
 public:
  static StatusOr<std::unique_ptr<OwnThread>> Start(const GroupOptions& options,
                                                    GroupApplication& application);
  ~OwnThread() override;  // Ends the thread; not from a callback.

  Mailbox& mailbox() { return *mailbox_; }
  // Executes `call` on the driver's thread and waits for it; at once if this is that thread.
  // ResourceExhausted if there are too many calls.
  Status Run(const std::function<void(Driver&)>& call);
  GroupStatus status() const;
  Timestamp majority_heard() const {
    return Timestamp::FromNanos(majority_heard_.load(std::memory_order_relaxed));
  }
  Endpoint unicast() const { return unicast_; }

 private:
  explicit OwnThread(GroupApplication& application) : application_(application) {}

  void Loop();

  void OnDeliver(const DeliverAction& message) override { application_.OnDeliver(message); }
  std::optional<PrepareAnswer> OnPrepare(const PrepareAction& request) override;
  void OnSendDone(const SendDoneAction& done) override;
  void OnViewChanged(const ViewChangedAction& change) override;
  void OnLeftView(const LeftViewAction& left) override;
  void OnDiverged(const DivergedAction& diverged) override;
  std::optional<Bytes> OnTakeSnapshot(const TakeSnapshotAction& request) override;
  void OnInstallSnapshot(const InstallSnapshotAction& snapshot) override;
  void OnRotateKey(const RotateKeyAction& rotate) override;
  void OnAlarm(const AlarmAction& alarm) override;
  void OnStorageError(const std::string& error) override;

  void SetStatus(GroupStatus status);

  GroupApplication& application_;
  Endpoint unicast_;  // From the start, before there is a thread.
  std::unique_ptr<Mailbox> mailbox_;
  std::unique_ptr<Driver> driver_;
  std::atomic<bool> stop_ = false;
  std::atomic<int64_t> majority_heard_ = 0;  // Nanoseconds of a Timestamp.
  std::atomic<std::thread::id> thread_id_;   // Set by the thread itself, before any callback.

  mutable std::mutex status_mutex_;
  GroupStatus status_;

  std::thread thread_;
};

}  // namespace strata::multicast

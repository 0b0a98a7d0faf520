#include "multicast/driver/own_thread.h"

#include <pthread.h>
#include <sys/prctl.h>

#include <condition_variable>
#include <utility>

#include "multicast/driver/limits.h"

namespace strata::multicast {
namespace {

constexpr unsigned long kTimerSlackNanos = 1000;  // Ours are timers of 200 µs.

}  // namespace

StatusOr<std::unique_ptr<OwnThread>> OwnThread::Start(const GroupOptions& options,
                                                      GroupApplication& application) {
  std::unique_ptr<OwnThread> own(new OwnThread(application));
  STRATA_ASSIGN_OR_RETURN(own->driver_, Driver::Start(options, *own));
  own->unicast_ = own->driver_->sockets().unicast();
  Waiter& waiter = own->driver_->waiter();
  own->mailbox_ = std::make_unique<Mailbox>([&waiter] { waiter.Wake(); }, application);
  own->driver_->SetCommands(own->mailbox_.get());
  own->thread_ = std::thread([self = own.get()] { self->Loop(); });
  return own;
}

OwnThread::~OwnThread() {
  if (!thread_.joinable()) return;
  stop_.store(true);
  driver_->waiter().Wake();
  thread_.join();
  mailbox_->TakeLeftCalls(*driver_);  // Somebody may wait for them.
}

void OwnThread::Loop() {
  thread_id_.store(std::this_thread::get_id());
  pthread_setname_np(pthread_self(), "multicast");
  prctl(PR_SET_TIMERSLACK, kTimerSlackNanos);
  while (!stop_.load(std::memory_order_relaxed)) {
    driver_->Turn(kWaitMax);
    majority_heard_.store(driver_->core().majority_heard().nanos(), std::memory_order_relaxed);
  }
}

Status OwnThread::Run(const std::function<void(Driver&)>& call) {
  if (std::this_thread::get_id() == thread_id_.load()) {
    call(*driver_);
    return Ok();
  }
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  bool posted = mailbox_->Post([&](Driver& driver) {
    call(driver);
    std::lock_guard lock(mutex);
    done = true;
    changed.notify_one();
  });
  if (!posted) return ResourceExhausted("%zu calls wait for the group's thread", kMailboxCalls);
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done; });
  return Ok();
}

GroupStatus OwnThread::status() const {
  std::lock_guard lock(status_mutex_);
  return status_;
}

void OwnThread::SetStatus(GroupStatus status) {
  mailbox_->SetMember(status.status == MemberStatus::kFull ||
                      status.status == MemberStatus::kLearner);
  std::lock_guard lock(status_mutex_);
  status_ = std::move(status);
}

// ---- The application's calls, on the driver's thread.

void OwnThread::OnSendDone(const SendDoneAction& done) {
  SendDoneAction translated = done;
  translated.id = mailbox_->Ended(done.id);
  if (translated.id != 0) application_.OnSendDone(translated);
}

void OwnThread::OnViewChanged(const ViewChangedAction& change) {
  SetStatus({.view = change.view, .status = change.status});
  application_.OnViewChanged(change);
}

void OwnThread::OnLeftView(const LeftViewAction& left) {
  SetStatus({});
  application_.OnLeftView(left);
}

std::optional<PrepareAnswer> OwnThread::OnPrepare(const PrepareAction& request) {
  return application_.OnPrepare(request);
}
void OwnThread::OnDiverged(const DivergedAction& diverged) { application_.OnDiverged(diverged); }
std::optional<Bytes> OwnThread::OnTakeSnapshot(const TakeSnapshotAction& request) {
  return application_.OnTakeSnapshot(request);
}
void OwnThread::OnInstallSnapshot(const InstallSnapshotAction& snapshot) {
  application_.OnInstallSnapshot(snapshot);
}
void OwnThread::OnRotateKey(const RotateKeyAction& rotate) { application_.OnRotateKey(rotate); }
void OwnThread::OnAlarm(const AlarmAction& alarm) { application_.OnAlarm(alarm); }
void OwnThread::OnStorageError(const std::string& error) { application_.OnStorageError(error); }

}  // namespace strata::multicast

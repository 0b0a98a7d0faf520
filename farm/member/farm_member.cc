#include "farm/member/farm_member.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
#include "multicast/driver/clock.h"
#include "multicast/driver/metrics.h"

namespace strata::farm {
namespace {

using multicast::Now;

// Contents of a state that is written while the group waits: some milliseconds.
constexpr uint64_t kTakenAtOnceMax = 10'000;
// Sends whose end somebody wants to know.
constexpr size_t kWaitingMax = 100'000;

const Logger& Log() {
  static const Logger logger("farm");
  return logger;
}

SendEnd EndOf(const multicast::SendDoneAction& done) {
  switch (done.outcome) {
    case multicast::SendOutcome::kCommitted:
    case multicast::SendOutcome::kReceived:
      return SendEnd::kCommitted;
    case multicast::SendOutcome::kAborted:
      return SendEnd::kAborted;
    case multicast::SendOutcome::kUnknown:
      break;
  }
  return SendEnd::kUnknown;
}

const char* ToString(multicast::SendRefusal refusal) {
  switch (refusal) {
    case multicast::SendRefusal::kQueueFull:
      return "too much is waiting to be sent";
    case multicast::SendRefusal::kNotMember:
      return "this process is not in the farm's group at the moment";
    case multicast::SendRefusal::kTooLong:
      return "the message is too long";
    case multicast::SendRefusal::kBadStream:
    case multicast::SendRefusal::kBadOptions:
      break;
  }
  return "the message does not fit its stream";
}

}  // namespace

FarmListener::~FarmListener() = default;

void SetDetection(Duration detection_timeout, multicast::CoreSettings& settings) {
  settings.detection_timeout = detection_timeout;
  settings.heartbeat_interval = detection_timeout / 5;
  // Who takes longer to write its promise, on a disk or a machine that is busy, is left out of the
  // view, though nobody takes it for dead.
  settings.collect_timeout = std::max(settings.collect_timeout, detection_timeout / 2);
  settings.stall_timeout = std::max(settings.stall_timeout, 2 * detection_timeout);
  settings.view_wait = std::max(settings.view_wait, 2 * detection_timeout);
  settings.found_wait = std::max(settings.found_wait, 2 * detection_timeout);
}

struct FarmMember::Instruments {
  Instruments(MetricRegistry& registry, multicast::GroupId group)
      : multicast(registry, group),
        refused(registry.AddCounter({.name = "strata_farm_messages_refused_total",
                                     .help = "Messages of the farm that were malformed, old or "
                                             "not for their sender to say."})),
        applied(registry.AddCounter({.name = "strata_farm_messages_applied_total",
                                     .help = "Committed messages that changed the state."})),
        commit_number(registry.AddGauge(
            {.name = "strata_farm_commit_number", .help = "Number of the last commit applied."})),
        contents(registry.AddGauge(
            {.name = "strata_farm_contents", .help = "Contents that some engine holds."})),
        later_version(registry.AddCounter(
            {.name = "strata_farm_messages_later_version_total",
             .help = "Messages of the farm in a version that this program does not know."})),
        version(registry.AddGauge(
            {.name = "strata_farm_version",
             .help = "Version in which the farm's members speak: the lowest of them all."})) {}

  multicast::GroupMetrics multicast;
  Counter& refused;
  Counter& applied;
  Gauge& commit_number;
  Gauge& contents;
  Counter& later_version;
  Gauge& version;
};

FarmMember::FarmMember(const TableSettings& settings, FarmListener& listener, uint8_t version)
    : listener_(listener), replica_(settings), versions_(version) {}

FarmMember::~FarmMember() { deferral_.Stop(); }

StatusOr<std::unique_ptr<FarmMember>> FarmMember::Join(multicast::GroupOptions options,
                                                       const TableSettings& settings,
                                                       FarmListener& listener,
                                                       MetricRegistry& metrics) {
  const EngineId self(options.member.value());
  TableSettings table = settings;
  if (options.light) table.copies_of = self;
  if (options.application_version == 0) options.application_version = kFarmVersion;
  auto member =
      std::unique_ptr<FarmMember>(new FarmMember(table, listener, options.application_version));
  member->self_ = self;
  member->instruments_ = std::make_unique<Instruments>(metrics, options.core.group);
  options.own_thread = true;
  member->application_tells_ready_ = options.core.full_when_ready;
  options.core.full_when_ready = true;
  member->keys_ = std::make_unique<GroupKeys>(options.keys);
  // Callbacks may come before Join returns, and Send needs the group: they wait for the lock.
  absl::MutexLock lock(&member->send_mutex_);
  STRATA_ASSIGN_OR_RETURN(member->group_, multicast::Group::Join(options, *member));
  return member;
}

Status FarmMember::Send(const Message& message) { return Send(message, nullptr); }

Status FarmMember::Send(const Message& message, Done done) {
  const bool received = std::holds_alternative<LoadReport>(message) ||
                        std::holds_alternative<Present>(message) ||
                        std::holds_alternative<Probed>(message);
  const uint8_t version = VersionOf(message);
  {
    absl::MutexLock lock(&mutex_);
    if (!versions_.MaySay(version)) {
      return Unavailable("not all members of the farm speak version %u yet", unsigned{version});
    }
  }
  Bytes bytes;
  Encode(message, bytes);
  multicast::SendOptions options;
  options.received = received;
  // Held over the send: its end must find who waits for it.
  absl::MutexLock lock(&send_mutex_);
  if (waiting_.size() >= kWaitingMax) return Unavailable("too many messages are on their way");
  const auto sent = group_->Send(received ? kLoadStream : kTableStream, bytes, options);
  if (const auto* refusal = std::get_if<multicast::SendRefusal>(&sent)) {
    return Unavailable("%s", ToString(*refusal));
  }
  if (done) waiting_[std::get<multicast::SendId>(sent)] = std::move(done);
  return Ok();
}

Status FarmMember::SendAndWait(const Message& message, Duration limit) {
  const auto end = std::make_shared<std::optional<SendEnd>>();
  STRATA_RETURN_IF_ERROR(Send(message, [this, end](SendEnd how) {
    absl::MutexLock lock(&wait_mutex_);
    *end = how;
  }));
  absl::MutexLock lock(&wait_mutex_);
  const auto over = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(wait_mutex_) {
    return end->has_value() || given_up_;
  };
  if (!wait_mutex_.AwaitWithTimeout(absl::Condition(&over), absl::FromChrono(limit))) {
    return DeadlineExceeded("the farm has not committed it within %.0f s", Seconds(limit));
  }
  if (!end->has_value()) {
    return Unavailable("this process ends: look at another manager whether it was done");
  }
  switch (**end) {
    case SendEnd::kCommitted:
      return Ok();
    case SendEnd::kAborted:
      return Unavailable("the farm's group aborted it");
    case SendEnd::kUnknown:
      break;
  }
  return Unavailable("this process left the farm's group meanwhile: look whether it was done");
}

void FarmMember::GiveUp() {
  absl::MutexLock lock(&wait_mutex_);
  given_up_ = true;
}

void FarmMember::Read(absl::FunctionRef<void(const TableReplica&)> read) const {
  absl::MutexLock lock(&mutex_);
  read(replica_);
}

std::string FarmMember::NameOf(EngineId engine) const {
  absl::MutexLock lock(&mutex_);
  const Row* row = replica_.table().Find(engine);
  return row != nullptr ? row->engine.name : "engine " + std::to_string(engine.value());
}

bool FarmMember::joined() const {
  absl::MutexLock lock(&mutex_);
  return joined_;
}

uint8_t FarmMember::spoken_version() const {
  absl::MutexLock lock(&mutex_);
  return versions_.spoken();
}

bool FarmMember::InTouch() const { return joined() && Now() - majority_heard() < kInTouchWithin; }

Status FarmMember::UseKeys(const std::vector<multicast::GroupKey>& keys) {
  return keys_->Use(*group_, keys);
}

void FarmMember::Observe(CopyObserver* observer) {
  absl::MutexLock lock(&mutex_);
  replica_.Observe(observer);
}

void FarmMember::RefreshMetrics() {
  const multicast::GroupCounters counters = group_->counters();
  instruments_->multicast.SetCounters(counters.core, counters.driver);
  const multicast::GroupStatus status = group_->status();
  instruments_->multicast.SetView(status.view, status.status);
  absl::MutexLock lock(&mutex_);
  const TableReplica::Counters& farm = replica_.counters();
  instruments_->applied.AdvanceTo(farm.applied);
  instruments_->refused.AdvanceTo(farm.malformed + farm.unknown_engine + farm.not_its_business +
                                  farm.old + farm.wrong_stream);
  instruments_->later_version.AdvanceTo(farm.later_version);
  instruments_->version.Set(versions_.spoken());
  instruments_->commit_number.Set(static_cast<double>(replica_.commit_number()));
  instruments_->contents.Set(static_cast<double>(replica_.table().contents()));
}

void FarmMember::Leave() {
  deferral_.Stop();  // What it does may need the group.
  group_->Leave();
}

Status FarmMember::Ready(uint32_t view_number) {
  {
    absl::MutexLock lock(&mutex_);
    ready_in_ = view_number;
  }
  TellReady();
  return Ok();
}

void FarmMember::TellReady() {
  uint32_t view = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (!restored_ || !ready_in_) return;
    view = *ready_in_;
  }
  absl::MutexLock lock(&send_mutex_);  // Join may not have given the group yet.
  if (group_ != nullptr) (void)group_->Ready(view);
}

// ---- The group's thread.

void FarmMember::InOrder(std::function<void()> work) {
  if (deferral_.going_on()) {
    deferral_.Defer(std::move(work));
  } else {
    work();
  }
}

void FarmMember::OnDeliver(const multicast::DeliverAction& message) {
  const EngineId origin(message.origin.value());
  if (!deferral_.going_on()) {
    Deliver(message.stream, origin, message.commit_number, message.message);
    return;
  }
  deferral_.Defer([this, stream = message.stream, origin, number = message.commit_number,
                   bytes = Bytes(message.message.begin(), message.message.end())] {
    Deliver(stream, origin, number, bytes);
  });
}

void FarmMember::OnSendDone(const multicast::SendDoneAction& done) {
  Done callback;
  {
    absl::MutexLock lock(&send_mutex_);
    const auto it = waiting_.find(done.id);
    if (it == waiting_.end()) return;
    callback = std::move(it->second);
    waiting_.erase(it);
  }
  callback(EndOf(done));
}

void FarmMember::OnViewChanged(const multicast::ViewChangedAction& change) {
  InOrder([this, change] { SetView(change); });
}

void FarmMember::OnLeftView(const multicast::LeftViewAction& left) {
  InOrder([this, left] { LeaveView(left); });
}

std::optional<Bytes> FarmMember::OnTakeSnapshot(const multicast::TakeSnapshotAction& request) {
  std::optional<EngineId> light;
  if (request.light) light = EngineId(request.learner.value());
  if (!deferral_.going_on()) {
    absl::MutexLock lock(&mutex_);
    if (replica_.table().contents() <= kTakenAtOnceMax) {
      return replica_.TakeSnapshot(Now(), light);
    }
  }
  // What is delivered meanwhile waits, so that the state is the one that was asked for.
  deferral_.Defer([this, light, transfer = request.transfer] {
    Bytes state;
    {
      absl::MutexLock lock(&mutex_);
      state = replica_.TakeSnapshot(Now(), light);
    }
    (void)group_->ProvideSnapshot(transfer, std::move(state));
  });
  return std::nullopt;
}

void FarmMember::OnInstallSnapshot(const multicast::InstallSnapshotAction& snapshot) {
  deferral_.Defer([this, state = Bytes(snapshot.state.begin(), snapshot.state.end()),
                   number = snapshot.commit_number] { Restore(state, number); });
}

void FarmMember::OnRotateKey(const multicast::RotateKeyAction&) { listener_.OnRotateKey(); }

// ---- The same, or the thread that restores.

void FarmMember::Deliver(multicast::StreamId stream, EngineId origin, uint64_t commit_number,
                         ByteSpan message) {
  std::optional<Message> applied;
  {
    absl::MutexLock lock(&mutex_);
    const Timestamp now = Now();
    if (stream == kTableStream) {
      applied = replica_.OnCommitted(origin, message, commit_number, now);
    } else {
      applied = replica_.OnReceived(origin, message, now);
    }
  }
  if (applied) listener_.OnMessage(*applied, origin);
}

void FarmMember::SetView(const multicast::ViewChangedAction& change) {
  const bool joined = change.status == multicast::MemberStatus::kFull;
  const bool is_ready =
      change.status == multicast::MemberStatus::kLearner && !application_tells_ready_;
  {
    absl::MutexLock lock(&mutex_);
    std::vector<TableReplica::Member> members;
    std::vector<uint8_t> versions;
    for (const multicast::MemberInfo& member : change.view.members) {
      const EngineId id(member.id.value());
      members.push_back({id, member.role == multicast::Role::kManager});
      versions.push_back(member.application_version);
    }
    replica_.OnView(members);
    versions_.OnView(versions);
    view_ = change.view;
    joined_ = joined;
    if (is_ready) ready_in_ = change.view.number;
  }
  if (is_ready) TellReady();  // Anew: another member may lead.
  Log().Info("view", {{"number", change.view.number},
                      {"members", change.view.members.size()},
                      {"joined", joined},
                      {"version", int{spoken_version()}}});
  listener_.OnView(change.view, joined);
}

void FarmMember::LeaveView(const multicast::LeftViewAction& left) {
  multicast::View none;
  {
    absl::MutexLock lock(&mutex_);
    joined_ = false;
    restored_ = false;
    ready_in_.reset();
    view_ = none;
    replica_.OnView({});
  }
  Log().Warning("left the farm's group", {{"why", left.why}});
  listener_.OnView(none, false);
}

void FarmMember::Restore(const Bytes& state, uint64_t commit_number) {
  Status installed;
  {
    absl::MutexLock lock(&mutex_);
    installed = replica_.InstallSnapshot(state, commit_number, Now());
  }
  if (!installed.ok()) {
    Log().Error("a snapshot is malformed", {{"error", MessageOf(installed)}});
    return;
  }
  listener_.OnState();
  {
    absl::MutexLock lock(&mutex_);
    restored_ = true;
  }
  TellReady();
}

void FarmMember::OnAlarm(const multicast::AlarmAction& alarm) {
  Log().Warning(
      "alarm of the farm's group",
      {{"alarm", alarm.alarm}, {"member", alarm.member.value()}, {"detail", alarm.detail}});
}

void FarmMember::OnStorageError(const std::string& error) {
  Log().Error("the group's state cannot be written", {{"error", error}});
}

}  // namespace strata::farm

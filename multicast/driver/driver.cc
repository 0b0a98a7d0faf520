#include "multicast/driver/driver.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/check.h"
#include "multicast/driver/clock.h"
#include "multicast/driver/limits.h"
#include "multicast/driver/state_file.h"

namespace strata::multicast {
namespace {

DriverCounter CounterOf(OpenError error) {
  switch (error) {
    case OpenError::kTooShort:
      return DriverCounter::kTooShort;
    case OpenError::kBadMagic:
      return DriverCounter::kBadMagic;
    case OpenError::kBadVersion:
      return DriverCounter::kBadVersion;
    case OpenError::kForeignGroup:
      return DriverCounter::kForeignGroup;
    case OpenError::kWrongSecurity:
      return DriverCounter::kWrongSecurity;
    case OpenError::kUnknownKey:
      return DriverCounter::kUnknownKey;
    case OpenError::kForged:
      return DriverCounter::kForged;
    case OpenError::kReplayed:
      return DriverCounter::kReplayed;
    case OpenError::kOwnPacket:
      return DriverCounter::kOwnPacket;
  }
  return DriverCounter::kBadMagic;  // There is no other.
}

StatusOr<uint16_t> MtuOf(uint16_t configured, const NetworkInterface& interface) {
  uint32_t mtu = configured != 0 ? configured : std::min<uint32_t>(interface.mtu, kMaxMtu);
  if (mtu > interface.mtu) {
    return InvalidArgument("MTU %u is above the %u of interface %s", mtu, interface.mtu,
                           interface.name.c_str());
  }
  if (mtu < kMinMtu || mtu > kMaxMtu) {
    return InvalidArgument("MTU %u is not between %u and %u", mtu, kMinMtu, kMaxMtu);
  }
  return static_cast<uint16_t>(mtu);
}

}  // namespace

CommandSource::~CommandSource() = default;

// ---- Start.

StatusOr<std::unique_ptr<Driver>> Driver::Start(const GroupOptions& options,
                                                GroupApplication& application) {
  if (options.member == MemberId()) return InvalidArgument("0 is no member id");
  if (options.core.group == GroupId()) return InvalidArgument("0 is no group id");
  std::unique_ptr<Driver> driver(new Driver(options, application));
  STRATA_RETURN_IF_ERROR(driver->Open());
  return driver;
}

Driver::Driver(const GroupOptions& options, GroupApplication& application)
    : options_(options), application_(application) {}

Driver::~Driver() = default;

Status Driver::Open() {
  for (const GroupKey& key : options_.keys) STRATA_RETURN_IF_ERROR(keys_.Add(key.id, key.bytes));
  STRATA_ASSIGN_OR_RETURN(sockets_, SocketSet::Open(options_.sockets, counters_));
  STRATA_ASSIGN_OR_RETURN(waiter_, Waiter::Create(*sockets_, counters_));
  sealer_ = std::make_unique<Sealer>(options_.core.group, keys_);
  opener_ = std::make_unique<Opener>(options_.core.group, options_.member, keys_);
  STRATA_RETURN_IF_ERROR(OpenStore());
  return StartCore();
}

Status Driver::OpenStore() {
  if (options_.state_file.empty()) {
    store_ = std::make_unique<MemoryStateStore>();
    return Ok();
  }
  STRATA_ASSIGN_OR_RETURN(
      std::unique_ptr<StateFile> file,
      StateFile::Open(options_.state_file, options_.core.group, options_.member));
  if (options_.may_change_group) file->PassOverOthers();
  Waiter* waiter = waiter_.get();
  store_ = std::make_unique<FileStateStore>(std::move(file), options_.state_at_once,
                                            [waiter] { waiter->Wake(); });
  return Ok();
}

Status Driver::StartCore() {
  STRATA_ASSIGN_OR_RETURN(const uint16_t mtu, MtuOf(options_.mtu, sockets_->interface()));
  STRATA_ASSIGN_OR_RETURN(const Bytes durable, store_->Load());
  SelfDescription self;
  self.id = options_.member;
  self.role = options_.role;
  self.priority = options_.priority;
  self.light = options_.light;
  self.application_version = options_.application_version;
  self.mtu = mtu;
  self.unicast = sockets_->unicast();
  core_ = std::make_unique<Core>(options_.core, self, random_);
  return core_->Start(durable, options_.durable_commit, Now());
}

// ---- A turn.

void Driver::Turn(Duration max_wait) {
  STRATA_CHECK(!in_turn_, "a callback must not run its own group");
  in_turn_ = true;
  counters_.Add(DriverCounter::kTurns);
  if (fed_) Finish(Now(), unread_turns_ > 0);
  Waiter::Ready ready = Wait(max_wait);
  received_ = false;
  Timestamp now = Now();
  if (ready.link) sockets_->OnLinkEvent();
  const bool unread = !Drain(ready, now);
  if (!storing_.empty()) TakeStored(now);
  if (commands_ != nullptr) commands_->Take(*this);
  FireTimers(unread);
  Finish(Now(), unread);
  waiter_->SetDeadline(core_->NextDeadline(), core_->wants_acks());
  in_turn_ = false;
}

Waiter::Ready Driver::Wait(Duration max_wait) {
  Duration time = std::min({max_wait, kWaitMax, core_->NextDeadline() - Now()});
  if (fed_) time = Duration::zero();
  if (commands_ != nullptr && !commands_->MayWait()) time = Duration::zero();
  Waiter::Ready ready;
  const bool more_soon = received_ && time > Duration::zero();
  const Duration spin = more_soon ? std::min(time, options_.spin) : Duration::zero();
  if (spin == Duration::zero() || !waiter_->Spin(spin, core_->wants_acks(), ready)) {
    ready = waiter_->Wait(time - spin, core_->wants_acks());
  }
  if (commands_ != nullptr) commands_->Awake();
  return ready;
}

// Data first, ACKs once all of it was read: whoever reads an ACK before the data it speaks of sees
// a gap. False if something is left to read and others should wait for it: timers and requests
// judge others by what they sent. They do not wait for ever.
bool Driver::Drain(const Waiter::Ready& ready, Timestamp now) {
  bool drained = true;
  if (ready.data) drained &= DrainSocket(Channel::kData, now);
  if (ready.unicast) drained &= DrainSocket(Channel::kUnicast, now);
  if (!drained && unread_turns_ < kUnreadTurns) {
    ++unread_turns_;
    return false;
  }
  unread_turns_ = 0;
  bool acks_due = now - acks_read_ >= options_.core.ack_tick || now >= core_->NextDeadline();
  if (ready.acks || (!waiter_->acks_watched() && acks_due)) {
    DrainSocket(Channel::kAcks, now);
    acks_read_ = now;
  }
  return true;
}

bool Driver::DrainSocket(Channel channel, Timestamp now) {
  for (size_t taken = 0; taken < kTurnDatagrams;) {
    DatagramReceiver::Result result = sockets_->Receive(channel);
    for (const IncomingDatagram& datagram : result.datagrams) OnDatagram(channel, datagram, now);
    taken += result.datagrams.size();
    // Acks that nobody waited for do not say that more comes soon.
    received_ |= taken > 0 && (channel != Channel::kAcks || waiter_->acks_watched());
    if (result.drained || result.datagrams.empty()) return true;
  }
  return false;
}

void Driver::FireTimers(bool unread) {
  const Timestamp now = Now();
  if (now < core_->NextDeadline()) return;
  if (unread) {
    counters_.Add(DriverCounter::kTimersPostponed);
  } else {
    core_->OnTimer(now);
  }
}

// Lets the core compose and executes; again while callbacks and confirmations feed it.
void Driver::Finish(Timestamp now, bool unread) {
  for (int pass = 0; pass < kTurnPasses; ++pass) {
    fed_ = false;
    core_->EndTurn(now, unread);
    Execute();
    if (!storing_.empty()) TakeStored(now);
    if (commands_ != nullptr) commands_->Take(*this);
    if (!fed_) return;
    counters_.Add(DriverCounter::kCallbackInputs);
    now = Now();
  }
}

void Driver::TakeStored(Timestamp now) {
  uint64_t stored = store_->stored();
  while (!storing_.empty() && storing_.front() <= stored) {
    counters_.Add(DriverCounter::kStateWrites);
    core_->OnPersisted(storing_.front(), now);
    storing_.pop_front();
    fed_ = true;
  }
  uint64_t errors = store_->errors();
  if (errors == store_errors_) return;
  counters_.Add(DriverCounter::kStateErrors, errors - store_errors_);
  store_errors_ = errors;
  application_.OnStorageError(store_->last_error());
}

// ---- Receiving.

void Driver::OnDatagram(Channel channel, const IncomingDatagram& datagram, Timestamp now) {
  bool twice = false;
  for (const std::shared_ptr<Interceptor>& interceptor : options_.interceptors) {
    Interceptor::Verdict verdict = interceptor->OnDatagram(channel, datagram.bytes);
    if (verdict == Interceptor::Verdict::kDrop) {
      counters_.Add(DriverCounter::kIntercepted);
      return;
    }
    twice |= verdict == Interceptor::Verdict::kDuplicate;
  }
  if (twice) copy_.assign(datagram.bytes.begin(), datagram.bytes.end());  // Opening changes it.
  OpenDatagram(channel, datagram, now);
  if (twice) OpenDatagram(channel, {.bytes = copy_, .from = datagram.from}, now);
}

void Driver::OpenDatagram(Channel channel, const IncomingDatagram& datagram, Timestamp now) {
  auto opened = opener_->Open(datagram.bytes);
  if (const OpenError* error = std::get_if<OpenError>(&opened)) {
    counters_.Add(CounterOf(*error));
    return;
  }
  const auto& packet = std::get<Opener::Opened>(opened);
  core_->OnPacket({.header = packet.header,
                   .body = packet.body,
                   .from = datagram.from,
                   .by_multicast = channel != Channel::kUnicast},
                  now);
}

// ---- Actions.

// Callbacks may feed the core, which then appends actions to those that are being executed.
void Driver::Execute() {
  ActionBatch& batch = core_->actions();
  for (size_t i = 0; i < batch.actions().size(); ++i) {
    Action& action = batch.actions()[i];
    if (const auto* transmit = std::get_if<TransmitAction>(&action)) {
      Transmit(*transmit);
      continue;
    }
    FlushSends();
    if (const auto* deliver = std::get_if<DeliverAction>(&action)) {
      DeliverAction message = *deliver;
      application_.OnDeliver(message);
    } else {
      Call(std::move(action));
    }
  }
  FlushSends();
  batch.Clear();
}

void Driver::Transmit(const TransmitAction& action) {
  std::span<uint8_t> datagram(action.datagram.data(), action.datagram.size() + sealer_->overhead());
  sealer_->Seal(datagram);
  bool fanned_out = !core_->fan_out().empty();
  switch (action.to) {
    case Destination::kUnicast:
      return sockets_->SendTo(action.unicast, datagram);
    case Destination::kMulticastOnly:
      return sockets_->SendToGroup(datagram);
    case Destination::kGroup:
      if (!fanned_out) return sockets_->SendToGroup(datagram);
      return fan_out_.push_back(datagram);
    case Destination::kAcks:
      if (!fanned_out) return sockets_->SendToAcks(datagram);
      return fan_out_.push_back(datagram);
  }
}

void Driver::FlushSends() {
  if (!fan_out_.empty()) FlushFanOut();
  sockets_->Flush();
}

// By member, not by datagram: so they make trains.
void Driver::FlushFanOut() {
  for (const Endpoint& to : core_->fan_out()) {
    if (to == sockets_->unicast()) continue;
    for (ByteSpan datagram : fan_out_) sockets_->SendTo(to, datagram);
  }
  fan_out_.clear();
}

void Driver::Call(Action action) {
  struct Visitor {
    Driver& driver;
    GroupApplication& application;
    void operator()(TransmitAction&) {}  // These two went another way.
    void operator()(DeliverAction&) {}
    void operator()(PersistAction& a) { driver.Persist(a); }
    void operator()(PrepareAction& a) { driver.Prepare(a); }
    void operator()(SendDoneAction& a) { application.OnSendDone(a); }
    void operator()(ViewChangedAction& a) { application.OnViewChanged(a); }
    void operator()(LeftViewAction& a) { application.OnLeftView(a); }
    void operator()(DivergedAction& a) { application.OnDiverged(a); }
    void operator()(TakeSnapshotAction& a) { driver.TakeSnapshot(a); }
    void operator()(InstallSnapshotAction& a) { application.OnInstallSnapshot(a); }
    void operator()(RotateKeyAction& a) { application.OnRotateKey(a); }
    void operator()(AlarmAction& a) { application.OnAlarm(a); }
  };
  std::visit(Visitor{*this, application_}, action);
}

void Driver::Persist(PersistAction& action) {
  storing_.push_back(action.id);
  store_->Store(action.id, std::move(action.state));
}

void Driver::Prepare(const PrepareAction& action) {
  std::optional<PrepareAnswer> answer = application_.OnPrepare(action);
  if (answer) Answer(action.token, *answer);
}

void Driver::TakeSnapshot(const TakeSnapshotAction& action) {
  std::optional<Bytes> state = application_.OnTakeSnapshot(action);
  if (state) ProvideSnapshot(action.transfer, *std::move(state));
}

// ---- Inputs.

std::variant<SendId, SendRefusal> Driver::Send(StreamId stream, ByteSpan message,
                                               const SendOptions& options) {
  auto sent = core_->Send(stream, message, options, Now());
  if (std::holds_alternative<SendId>(sent)) fed_ = true;
  return sent;
}

bool Driver::Abort(SendId id, uint16_t reason) {
  fed_ = true;
  return core_->Abort(id, reason, Now());
}

bool Driver::Answer(PrepareToken token, const PrepareAnswer& answer) {
  fed_ = true;
  Core::PrepareAnswer given = {
      .accept = answer.accept, .reason = answer.reason, .reply = answer.reply};
  if (core_->OnPrepared(token, given, Now())) return true;
  counters_.Add(DriverCounter::kLateAnswers);
  return false;
}

bool Driver::ProvideSnapshot(TransferId transfer, Bytes state) {
  fed_ = true;
  if (core_->OnSnapshotTaken(transfer, std::move(state), Now())) return true;
  counters_.Add(DriverCounter::kLateAnswers);
  return false;
}

void Driver::PauseCredit(bool paused) {
  fed_ = true;
  core_->PauseCredit(paused);
}

bool Driver::Promote() {
  fed_ = true;
  return core_->Promote(Now());
}

bool Driver::StartOver() {
  fed_ = true;
  return core_->StartOver(Now());
}

bool Driver::LeadAnyway() {
  fed_ = true;
  return core_->LeadAnyway();
}

bool Driver::Ready(uint32_t view_number) {
  fed_ = true;
  return core_->Ready(view_number);
}

}  // namespace strata::multicast

#include "multicast/group.h"

#include <utility>

#include "common/check.h"

namespace strata::multicast {
namespace {

Status Ended() { return NotFound("nobody waits for this any more"); }

}  // namespace

StatusOr<std::unique_ptr<Group>> Group::Join(const GroupOptions& options,
                                             GroupApplication& application) {
  std::unique_ptr<Group> group(new Group());
  if (options.own_thread) {
    // Nothing here waits for its thread: that may be in a callback which waits until this returns.
    STRATA_ASSIGN_OR_RETURN(group->own_thread_, OwnThread::Start(options, application));
    group->unicast_ = group->own_thread_->unicast();
  } else {
    STRATA_ASSIGN_OR_RETURN(group->driver_, Driver::Start(options, application));
    group->unicast_ = group->driver_->sockets().unicast();
  }
  return group;
}

Group::~Group() = default;

void Group::Leave() {
  own_thread_.reset();
  driver_.reset();
}

// Executes with an answer: here, or on the group's thread while this one waits.
Status Group::Run(const std::function<Status(Driver&)>& call) const {
  if (own_thread_ == nullptr) return call(*driver_);
  Status result;
  STRATA_RETURN_IF_ERROR(own_thread_->Run([&](Driver& driver) { result = call(driver); }));
  return result;
}

// Executes some time, or now if there is no other thread; only then can it tell a false result.
Status Group::Post(std::function<bool(Driver&)> call) {
  if (own_thread_ == nullptr) return call(*driver_) ? Ok() : Ended();
  bool posted = own_thread_->mailbox().Post([call = std::move(call)](Driver& d) { (void)call(d); });
  return posted ? Ok() : ResourceExhausted("too many calls wait for the group's thread");
}

std::variant<SendId, SendRefusal> Group::Send(StreamId stream, ByteSpan message,
                                              const SendOptions& options) {
  if (own_thread_ != nullptr) return own_thread_->mailbox().Send(stream, message, options);
  return driver_->Send(stream, message, options);
}

Status Group::Abort(SendId id, uint16_t reason) {
  if (own_thread_ == nullptr) return driver_->Abort(id, reason) ? Ok() : Ended();
  Mailbox& mailbox = own_thread_->mailbox();
  return Post([&mailbox, id, reason](Driver& driver) {
    mailbox.Abort(driver, id, reason);
    return true;
  });
}

Status Group::Answer(PrepareToken token, PrepareAnswer answer) {
  return Post(
      [token, answer = std::move(answer)](Driver& driver) { return driver.Answer(token, answer); });
}

Status Group::ProvideSnapshot(TransferId transfer, Bytes state) {
  return Post([transfer, state = std::move(state)](Driver& driver) mutable {
    return driver.ProvideSnapshot(transfer, std::move(state));
  });
}

Status Group::PauseCredit(bool paused) {
  return Post([paused](Driver& driver) {
    driver.PauseCredit(paused);
    return true;
  });
}

Status Group::Promote() {
  return Run([](Driver& driver) {
    if (driver.Promote()) return Ok();
    return FailedPrecondition("this member is no manager, or is the Service Manager already");
  });
}

Status Group::StartOver() {
  return Post([](Driver& driver) {
    driver.StartOver();
    return true;
  });
}

Status Group::LeadAnyway() {
  return Run([](Driver& driver) {
    if (driver.LeadAnyway()) return Ok();
    return FailedPrecondition("this member is no manager, or is the Service Manager already");
  });
}

Status Group::Ready(uint32_t view_number) {
  return Post([view_number](Driver& driver) {
    driver.Ready(view_number);
    return true;
  });
}

Status Group::AddKey(uint8_t id, ByteSpan key) {
  return Run([&](Driver& driver) { return driver.AddKey(id, key); });
}

Status Group::UseKey(uint8_t id) {
  return Run([&](Driver& driver) { return driver.UseKey(id); });
}

Status Group::ForgetKey(uint8_t id) {
  return Run([&](Driver& driver) { return driver.ForgetKey(id); });
}

Timestamp Group::majority_heard() const {
  if (own_thread_ != nullptr) return own_thread_->majority_heard();
  return driver_->core().majority_heard();
}

GroupStatus Group::status() const {
  if (own_thread_ != nullptr) return own_thread_->status();
  return {.view = driver_->core().view(), .status = driver_->core().status()};
}

GroupCounters Group::counters() const {
  GroupCounters counters;
  (void)Run([&](Driver& driver) {
    counters = {.core = driver.core().counters(), .driver = driver.counters()};
    return Ok();
  });
  if (own_thread_ != nullptr) {
    counters.driver.Add(DriverCounter::kMailboxFull, own_thread_->mailbox().refused());
  }
  return counters;
}

uint64_t Group::commit_number() const {
  uint64_t number = 0;
  (void)Run([&](Driver& driver) {
    number = driver.core().commit_number();
    return Ok();
  });
  return number;
}

void Group::Poll(Duration max_wait) {
  STRATA_CHECK(driver_ != nullptr, "this group has a thread of its own");
  driver_->Turn(max_wait);
}

int Group::fd() {
  STRATA_CHECK(driver_ != nullptr, "this group has a thread of its own");
  return driver_->waiter().fd();
}

}  // namespace strata::multicast

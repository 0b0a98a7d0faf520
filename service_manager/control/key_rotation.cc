#include "service_manager/control/key_rotation.h"

#include <chrono>
#include <utility>

namespace strata::manager::control {
namespace {

// Evictions come in swarms, and most who were evicted come back.
constexpr Duration kAskedToAnnounced = std::chrono::seconds(30);
// A few renewals of every engine.
constexpr Duration kAnnouncedToUsed = std::chrono::seconds(5);
// Two renewals: who is shut out is out within five seconds, and who was slow comes back.
constexpr Duration kAnnouncedToUsedAtOnce = std::chrono::milliseconds(2500);
constexpr Duration kUsedToForgotten = std::chrono::seconds(60);

}  // namespace

KeyRotation::KeyRotation(Registrar& registrar, Use use, RandomSource& random, Timestamp now)
    : registrar_(registrar), use_(std::move(use)), random_(random) {
  if (registrar.keys().size() < 2) return;
  // The life before this one was in the middle of a change: whoever has only the old key gets time.
  phase_ = Phase::kAnnounced;
  due_ = now + kAnnouncedToUsed;
}

void KeyRotation::Ask(Timestamp now) {
  if (phase_ != Phase::kQuiet) {
    again_ = again_ || phase_ != Phase::kAsked;
    return;
  }
  phase_ = Phase::kAsked;
  due_ = now + kAskedToAnnounced;
}

void KeyRotation::AskAtOnce(Timestamp now) {
  Ask(now);
  // The steps that are left wait for nobody but those who have not the announced key yet.
  urgent_ = true;
  if (phase_ != Phase::kAnnounced) due_ = now;
}

Status KeyRotation::OnTick(Timestamp now) {
  if (now < due_) return Ok();
  switch (phase_) {
    case Phase::kQuiet:
      return Ok();
    case Phase::kAsked:
      STRATA_RETURN_IF_ERROR(registrar_.AddKey(random_));
      phase_ = Phase::kAdded;
      break;
    case Phase::kAdded:
      phase_ = Phase::kAnnounced;
      due_ = now + (urgent_ ? kAnnouncedToUsedAtOnce : kAnnouncedToUsed);
      return Ok();
    case Phase::kAnnounced:
      STRATA_RETURN_IF_ERROR(registrar_.UseNewestKey());
      phase_ = Phase::kUsed;
      due_ = urgent_ ? now : now + kUsedToForgotten;
      break;
    case Phase::kUsed:
      STRATA_RETURN_IF_ERROR(registrar_.ForgetOldKeys());
      phase_ = Phase::kQuiet;
      due_ = Timestamp::Never();
      if (std::exchange(again_, false)) {
        Ask(now);
        if (urgent_) due_ = now;
      } else {
        urgent_ = false;
      }
      break;
  }
  return use_(registrar_.keys());
}

}  // namespace strata::manager::control

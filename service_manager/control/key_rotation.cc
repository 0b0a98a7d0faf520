#include "service_manager/control/key_rotation.h"

#include <chrono>
#include <utility>

namespace strata::manager::control {
namespace {

// Evictions come in swarms, and most who were evicted come back.
constexpr Duration kAskedToAnnounced = std::chrono::seconds(30);
// A few renewals of every engine.
constexpr Duration kAnnouncedToUsed = std::chrono::seconds(5);
constexpr Duration kUsedToForgotten = std::chrono::seconds(60);

}  // namespace

KeyRotation::KeyRotation(Registrar& registrar, farm::FarmMember& member, RandomSource& random,
                         Timestamp now)
    : registrar_(registrar), member_(member), random_(random) {
  if (registrar.keys().size() < 2) return;
  // The life before this one was in the middle of a change: whoever has only the old key gets time.
  phase_ = Phase::kAnnounced;
  due_ = now + kAnnouncedToUsed;
}

void KeyRotation::Ask(Timestamp now) {
  if (phase_ != Phase::kQuiet) {
    again_ = phase_ != Phase::kAsked;
    return;
  }
  phase_ = Phase::kAsked;
  due_ = now + kAskedToAnnounced;
}

void KeyRotation::AskAtOnce(Timestamp now) {
  Ask(now);
  if (phase_ == Phase::kAsked) due_ = now;
}

Status KeyRotation::OnTick(Timestamp now) {
  if (now < due_) return Ok();
  switch (phase_) {
    case Phase::kQuiet:
      return Ok();
    case Phase::kAsked:
      STRATA_RETURN_IF_ERROR(registrar_.AddKey(random_));
      phase_ = Phase::kAnnounced;
      due_ = now + kAnnouncedToUsed;
      break;
    case Phase::kAnnounced:
      STRATA_RETURN_IF_ERROR(registrar_.UseNewestKey());
      phase_ = Phase::kUsed;
      due_ = now + kUsedToForgotten;
      break;
    case Phase::kUsed:
      STRATA_RETURN_IF_ERROR(registrar_.ForgetOldKeys());
      phase_ = Phase::kQuiet;
      due_ = Timestamp::Never();
      if (std::exchange(again_, false)) Ask(now);
      break;
  }
  return member_.UseKeys(registrar_.keys());
}

}  // namespace strata::manager::control

#pragma once

#include "common/random.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/member/farm_member.h"
#include "service_manager/control/registrar.h"

namespace strata::manager::control {

// Changes the key of the farm's group without losing anybody: the new key is handed out while
// everybody still sends with the old one, then it is sent with, then the old one is forgotten.
// Engines fetch keys with their renewals, once a second. One thread.
class KeyRotation {
 public:
  KeyRotation(Registrar& registrar, farm::FarmMember& member, RandomSource& random, Timestamp now);

  // Somebody who knows the key is gone: it changes soon, together with what else comes meanwhile.
  void Ask(Timestamp now);
  // Somebody must not know it any longer: it changes as quickly as it can.
  void AskAtOnce(Timestamp now);
  // Does what is due. An error says which step failed; it is tried again the next time.
  Status OnTick(Timestamp now);

 private:
  enum class Phase : uint8_t { kQuiet, kAsked, kAnnounced, kUsed };

  Registrar& registrar_;
  farm::FarmMember& member_;
  RandomSource& random_;
  Phase phase_ = Phase::kQuiet;
  Timestamp due_ = Timestamp::Never();
  bool again_ = false;  // Asked while one goes on.
};

}  // namespace strata::manager::control

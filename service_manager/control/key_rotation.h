#pragma once

#include <functional>
#include <vector>

#include "common/random.h"
#include "common/status.h"
#include "common/time.h"
#include "multicast/driver/key_file.h"
#include "service_manager/control/registrar.h"

namespace strata::manager::control {

// Changes the key of the farm's group without losing anybody: the new key is handed out while
// everybody still sends with the old one, then it is sent with, then the old one is forgotten.
// Engines fetch keys with their renewals, once a second. One thread.
class KeyRotation {
 public:
  // `use`: brings keys into force in this process, the one to send with first.
  using Use = std::function<Status(const std::vector<multicast::GroupKey>&)>;
  KeyRotation(Registrar& registrar, Use use, RandomSource& random, Timestamp now);

  // Somebody who knows the key is gone: it changes soon, together with what else comes meanwhile.
  void Ask(Timestamp now);
  // Somebody must not know it any longer: it changes as quickly as it can, and once more if he may
  // have got the next one already.
  void AskAtOnce(Timestamp now);
  // Does what is due. An error says which step failed; it is tried again the next time.
  Status OnTick(Timestamp now);

 private:
  // In kAdded the new key is durable, and its time to be fetched begins: that took its own time.
  enum class Phase : uint8_t { kQuiet, kAsked, kAdded, kAnnounced, kUsed };

  Registrar& registrar_;
  const Use use_;
  RandomSource& random_;
  Phase phase_ = Phase::kQuiet;
  Timestamp due_ = Timestamp::Never();
  bool again_ = false;   // Asked while one goes on.
  bool urgent_ = false;  // At once.
};

}  // namespace strata::manager::control

#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "service_manager/federation/locate/recent_purges.h"
#include "tests/simulation/federation/locate_desks.h"
#include "tests/simulation/federation/wiring.h"

namespace strata::simulation::federation {

// Managers are asked where copies are while copies come and go, contents are purged from the top,
// links break, messages are lost and managers are replaced. Their directories are as the truth and
// the policies would have them; feeds have their own tests. Changes the truth: it comes last in a
// run.
class LocateStorm {
 public:
  LocateStorm(Wiring& wiring, uint64_t seed);

  // Everything goes wrong, step by step, until Calm.
  void Blow();
  // All links are there again; once `settled_after` has passed, all managers have applied all
  // purges and have forgotten what they were answered.
  void Calm();
  // One link is lost, and stays lost; what was answered is forgotten after `settled_after`.
  void LoseOneLink();
  // Every manager for some contents, once all is settled.
  void AskAll();

  static Duration settled_after();
  size_t unanswered() const { return desks_.unanswered(); }
  void CountEvents() { desks_.CountEvents(); }

 private:
  // What a directory has: how, and how far the farm had applied the log when it was filled.
  struct Held {
    LocationFlags flags = 0;
    uint64_t filled = 0;
  };
  using HeldCopies = std::map<HolderName, Held>;
  struct Manager {
    uint64_t applied = 0;
    std::optional<manager::federation::RecentPurges> purges;
  };

  void Step();
  void Fill();
  void Evict();
  void Purge();
  void ApplyLater(size_t scope, uint64_t position);
  void Apply(size_t scope, uint64_t position);
  void TakeOut(size_t farm, const farm::ContentKey& key, const HolderName& engine);
  // The last entry that purged it, of the first so many of the log; 0: none.
  uint64_t PurgedAt(const farm::ContentKey& key, uint64_t applied) const;

  HeldCopies KnownAt(size_t scope, const Content& content) const;
  HeldCopies ToldBy(size_t child, const Content& content) const;
  bool Reaches(size_t scope, size_t other) const;
  manager::federation::LocalCopies Look(size_t scope, const farm::ContentKey& key) const;

  void Judge(const LocateDesks::Asked& asked, const manager::federation::LocateAnswer& answer);
  void JudgeAge(const LocateDesks::Asked& asked, const manager::federation::LocateAnswer& answer);
  void JudgeReach(const LocateDesks::Asked& asked, const manager::federation::LocateAnswer& answer);

  const Content& AnyContent() { return contents_[random_.Below(contents_.size())]; }
  size_t AnyScope() { return random_.Below(managers_.size()); }
  size_t AnyFarm();

  Wiring& wiring_;
  SeededRandom random_;
  std::vector<Content> contents_;
  std::map<std::string, size_t> scope_of_;  // By name.
  std::vector<Manager> managers_;           // By scope.
  std::vector<farm::ContentKey> log_;       // What was purged; the first has position 1.
  std::map<std::pair<farm::ContentKey, HolderName>, uint64_t> filled_;
  std::map<std::pair<farm::ContentKey, HolderName>, Timestamp> gone_;
  std::optional<size_t> lost_link_;  // The child of it.
  bool calm_ = false;
  LocateDesks desks_;
};

}  // namespace strata::simulation::federation

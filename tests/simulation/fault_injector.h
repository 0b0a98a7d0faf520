#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <vector>

#include "common/random.h"
#include "tests/simulation/application.h"
#include "tests/simulation/hostile.h"
#include "tests/simulation/member.h"

namespace strata::simulation {

// Draws faults from the scenario's weights at random times, and undoes each of them after a while.
// Heal ends them all.
class FaultInjector {
 public:
  FaultInjector(Wiring& wiring, std::vector<std::unique_ptr<Member>>& members, Hostile& hostile,
                uint64_t seed);

  void Start();
  // No more faults: links are whole, everybody runs, except at most one dead member that its group
  // has evicted.
  void Heal();
  // A member died of an armed crash.
  void OnArmedCrash(size_t index) { RestartLater(index); }
  // Members that must be in the view in the end.
  bool Expected(size_t index) const { return !dead_.contains(index); }

 private:
  // Changes one link while it lasts.
  using Impairment = std::function<void(size_t from, size_t to, Link& link)>;

  void Schedule();
  void Inject(Fault fault);
  void InjectOnProcess(Fault fault);
  void InjectOnLinks(Fault fault);
  Fault DrawFault();
  size_t Any();
  size_t Sm();       // Of the highest view that anybody has.
  size_t Manager();  // Any.
  Duration Ms(int lo, int hi);

  void CrashNow(size_t index);
  void RestartLater(size_t index);
  bool MayLoseDisk(size_t index);
  bool MayLoseDiskIn(const multicast::View& view, multicast::MemberId id) const;
  void StopFor(size_t index, Duration time);
  void StartSomeLate();
  void PowerLoss();
  void Impair(const char* what, Impairment impairment, Duration time);
  void ApplyLinks();
  const multicast::View* LatestView() const;

  Wiring& wiring_;
  std::vector<std::unique_ptr<Member>>& members_;
  Hostile& hostile_;
  SeededRandom random_;
  bool healed_ = false;
  std::list<Impairment> impairments_;
  Link base_;
  std::set<size_t> lost_disk_;  // And not yet full again.
  std::set<size_t> diskless_;   // Will start without.
  std::set<size_t> dead_;
};

}  // namespace strata::simulation

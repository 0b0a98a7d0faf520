#include <utility>

#include "tests/simulation/fault_injector.h"

// Faults of the network: partitions, one-way cuts, lost multicast, bursts of loss.
namespace strata::simulation {

void FaultInjector::InjectOnLinks(Fault fault) {
  size_t count = members_.size();
  Duration time = random_.Chance(0.5) ? Ms(10, 120) : Ms(100, 600);
  if (fault == Fault::kPartition) {
    std::vector<bool> side(count);
    for (size_t i = 0; i < count; ++i) side[i] = random_.Chance(0.5);
    side[Any()] = true;  // Two sides, mostly.
    side[Any()] = false;
    if (count == 2) {
      side = {true, false};
      time = Ms(250, 900);  // Long enough that each may go on alone.
    }
    Impair(
        "partition",
        [side](size_t from, size_t to, Link& link) {
          link.blocked = link.blocked || side[from] != side[to];
        },
        time);
  }
  if (fault == Fault::kIsolateSm) {
    size_t sm = Sm();
    uint64_t direction = random_.Below(3);  // Both, only in, only out.
    Impair(
        "the SM is cut off",
        [sm, direction](size_t from, size_t to, Link& link) {
          if (from == sm && direction != 1) link.blocked = true;
          if (to == sm && direction != 2) link.blocked = true;
        },
        time);
  }
  if (fault == Fault::kOneWay) {
    size_t a = Any();
    size_t b = Any();
    Impair(
        "one way cut",
        [a, b](size_t from, size_t to, Link& link) {
          if (from == a && to == b) link.blocked = true;
        },
        time);
  }
  if (fault == Fault::kNoMulticast) {
    size_t victim = Any();
    bool everywhere = random_.Chance(0.4);
    Impair(
        "no multicast",
        [victim, everywhere](size_t from, size_t to, Link& link) {
          if (everywhere || from == victim || to == victim) link.no_multicast = true;
        },
        Ms(200, 900));
  }
  if (fault == Fault::kLossBurst) {
    double loss = random_.Unit() * 0.5;
    Impair(
        "loss burst", [loss](size_t, size_t, Link& link) { link.loss += loss; }, time);
  }
}

void FaultInjector::Impair(const char* what, Impairment impairment, Duration time) {
  wiring_.trace.Line(wiring_.queue.now(), 0, "%s for %.1f ms", what, Seconds(time) * 1e3);
  impairments_.push_back(std::move(impairment));
  ApplyLinks();
  wiring_.queue.After(time, [this, it = std::prev(impairments_.end())] {
    if (healed_) return;
    impairments_.erase(it);
    ApplyLinks();
  });
}

void FaultInjector::ApplyLinks() {
  wiring_.network.ForEachLink([this](size_t from, size_t to, Link& link) {
    link = base_;
    for (const Impairment& impairment : impairments_) impairment(from, to, link);
  });
}

}  // namespace strata::simulation

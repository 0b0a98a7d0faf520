#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "common/random.h"
#include "tests/simulation/member.h"
#include "tests/simulation/observer.h"

namespace strata::simulation {

// An enemy without the key: it can replay what it has heard, and send garbage and truncations. What
// it sends goes straight to the cores, past the authentication that would stop most of it; so it
// forges nothing that would be taken for genuine. Keeps a sample of everything that was ever sent.
class Hostile final : public Observer {
 public:
  Hostile(std::vector<std::unique_ptr<Member>>& members, uint64_t seed);

  void OnTransmit(const MemberProbe& from, const Packet& packet, Sent to) override;

  void Attack();

 private:
  static constexpr size_t kKept = 500;

  void Garbage(size_t victim);
  void Truncated(size_t victim);
  void Replayed(size_t victim);
  void Hand(size_t victim, const PacketPtr& packet);

  std::vector<std::unique_ptr<Member>>& members_;
  SeededRandom random_;
  uint64_t heard_ = 0;
  std::vector<Bytes> kept_;
};

}  // namespace strata::simulation

#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "common/random.h"
#include "tests/simulation/application.h"
#include "tests/simulation/member.h"

namespace strata::simulation {

// Lets every member send at random times messages of random sizes and options, and abort some.
class Workload {
 public:
  Workload(Wiring& wiring, std::vector<std::unique_ptr<Member>>& members, uint64_t seed);

  void Start();
  void Stop() { stopped_ = true; }
  // One committed message from every member that runs.
  void SendProbes();

 private:
  void Schedule(size_t index);
  void Burst(size_t index);
  void SendOne(Member& member);
  size_t DrawSize();
  bool IsReceived(const Member& member, multicast::StreamId stream) const;

  Wiring& wiring_;
  std::vector<std::unique_ptr<Member>>& members_;
  SeededRandom random_;
  uint64_t stream_salt_;
  bool stopped_ = false;
};

}  // namespace strata::simulation

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/random.h"
#include "common/time.h"
#include "multicast/core/core.h"
#include "tests/simulation/network.h"

namespace strata::simulation {

// What a seed is mostly about, so that every named event occurs often: seed % kProfileCount.
enum class Profile : uint8_t {
  kLossOnly,     // Nothing but loss: repair economy is judged.
  kReorder,      // Jitter far above the reorder delay, duplicates.
  kAborts,       // Aborts that race with commits.
  kSmDies,       // The SM dies while its COMMIT is on the way.
  kPartitions,   // Two sides, one-way cuts, an isolated SM.
  kStops,        // Processes stand still and wake up.
  kRestarts,     // Crashes and quick restarts with sends in flight.
  kCascade,      // Crashes while views change.
  kOverrun,      // Learners with small queues under load.
  kQuorumNone,   // Two members, each of which may go on alone.
  kNoMulticast,  // Multicast is not forwarded, unicast is.
  kLarge,        // 12 to 32 members.
  kPrepare,      // Prepare, replies, all of.
  kPowerLoss,    // Everybody restarts from disk.
  kHostile,      // Garbage, truncations, old packets.
  kChaos,        // All of it.
};
inline constexpr size_t kProfileCount = 16;
std::string_view ToString(Profile profile);

enum class Fault : uint8_t {
  kCrashAny,
  kCrashSm,
  kCrashSmAtCommit,    // In the middle of sending a COMMIT.
  kCrashAtViewChange,  // A candidate while it sends PROPOSE, VIEW or INSTALL.
  kStopAny,
  kStopSm,
  kPartition,
  kIsolateSm,
  kOneWay,
  kNoMulticast,
  kPauseCredit,
  kPromote,
  kLossBurst,
  kSlowDown,
  kStartLate,  // Members that were never started, one to three at once.
  kHostile,
  kPowerLoss,
};
inline constexpr size_t kFaultKinds = 17;

struct MemberPlan {
  multicast::CoreSettings settings;
  multicast::SelfDescription self;
  bool starts_late = false;
  Duration wake_latency_max = std::chrono::microseconds(20);
  Duration disk_delay_max = std::chrono::milliseconds(2);
  Duration save_gap{};          // The application saves its state this often; 0: at once.
  Duration restore_max{};       // It takes a snapshot in for at most so long.
  bool acks_first = false;      // Order in which sockets are drained.
  size_t queue_packets = 4096;  // Of each socket.
  Duration clock_offset{};
};

struct WorkloadPlan {
  Duration send_gap = std::chrono::milliseconds(5);  // Mean, of each member.
  uint8_t streams = 2;
  double received = 0.2;       // Share of the streams.
  double long_message = 0.05;  // Up to 64 KiB.
  double huge_message = 0;     // Up to 1 MiB.
  double abort = 0.02;
  double prepare = 0.02;
  double refuse = 0.2;  // Of the prepared ones, by each member.
  double never = 0.1;
  size_t snapshot_padding = 0;
  Duration order_gap{};  // Mean, of who leads, where managers keep intent.
};

// Everything about one run that follows from its seed.
struct Scenario {
  uint64_t seed = 0;
  Profile profile = Profile::kChaos;
  std::vector<MemberPlan> members;
  Duration faulty_phase{};
  Link link;
  WorkloadPlan workload;
  std::array<double, kFaultKinds> fault_weights{};
  Duration fault_gap = std::chrono::milliseconds(80);  // Mean.
  double restart_without_disk = 0.1;
  bool quorum_none = false;
  // A farm: managers mirror intent, so they lead only if full, and nobody is full before he is
  // ready; some engines are light (docs/protocols/managers.md, farm.md).
  bool managers_keep_intent = false;

  static Scenario Draw(uint64_t seed);
};

}  // namespace strata::simulation

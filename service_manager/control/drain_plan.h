#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/time.h"
#include "farm/content_key.h"
#include "farm/engine.h"

namespace strata::manager::control {

// ---- Limits.
inline constexpr size_t kPreparationsPerAsk = 32;  // Contents that a draining engine sums at once.
inline constexpr size_t kPreparedMax = 256;        // Of one engine: summed, and not copied yet.
inline constexpr uint64_t kPreparedBytesMax = 4ull << 30;  // Beyond it only one at a time.
inline constexpr size_t kLooksPerAsk = 20'000;             // For something to sum.
inline constexpr size_t kOrdersPerAsk = 32;
inline constexpr uint64_t kOrderBytesMax = 256ull << 20;  // Of one ask; a bigger one goes alone.
inline constexpr size_t kProblemsTold = 20;               // Of each engine.
inline constexpr Duration kCopyTellLimit =
    std::chrono::seconds(10);                                    // Until a copy is in the table.
inline constexpr Duration kCopyAgain = std::chrono::seconds(2);  // After a failure; doubles.
inline constexpr Duration kCopyAgainMax = std::chrono::minutes(1);
inline constexpr Duration kAskedLately = std::chrono::seconds(10);  // Who did not is not there.

// How the contents that only draining engines have come to others: which are copied next, by whom,
// and why one cannot be. It knows nothing that could not be found again: what was surveyed, and
// what engines say when they ask. An engine asks when it has done all that it was told before, so
// whatever it has not answered by then was lost. Pure; one thread.
class DrainPlan {
 public:
  // A content that nobody else has.
  struct Sole {
    farm::ContentKey key;
    uint64_t size = 0;
  };
  // What the draining engine says of one, before it is copied.
  struct Original {
    std::string uri;  // Canonical.
    uint64_t size = 0;
    std::array<uint8_t, 32> sha256{};
    uint64_t purge_position = 0;  // Of its site: all purges up to it were applied before.
  };
  struct Order {
    farm::ContentKey key;
    farm::EngineId source{};
    Original original;
  };
  // An engine that asks for work.
  struct Target {
    farm::EngineId engine{};
    bool takes = false;  // It keeps a library, and is not drained itself.
    uint64_t free_bytes = 0;
  };
  struct Problem {
    farm::ContentKey key;
    std::string uri;  // Empty: not known.
    std::string text;
  };
  struct Progress {
    uint64_t contents_left = 0;
    uint64_t bytes_left = 0;
    uint64_t in_flight = 0;         // Being summed or copied, or copied just now.
    uint64_t failing = 0;           // Of those left: what was tried failed, or cannot be tried.
    std::vector<Problem> problems;  // The first kProblemsTold of them.
  };

  // A survey found these, by rising key, and no others.
  void SetSole(farm::EngineId drained, std::vector<Sole> sole, Timestamp now);
  // Not drained any more.
  void Forget(farm::EngineId drained);
  // It left the group: what it was doing is for others.
  void OnAway(farm::EngineId engine);
  std::vector<farm::EngineId> sources() const;

  // ---- A draining engine asks.
  // What it is to sum now.
  std::vector<farm::ContentKey> TakePreparations(farm::EngineId drained, Timestamp now);
  void OnPrepared(farm::EngineId drained, const farm::ContentKey& key, Original original);
  void OnNotPrepared(farm::EngineId drained, const farm::ContentKey& key,
                     const std::string& problem, Timestamp now);

  // ---- Others ask.
  std::vector<Order> TakeOrders(const Target& target, Timestamp now);
  // `problem` empty: it has it. From which engine; nothing: it was not told to copy that.
  std::optional<farm::EngineId> OnCopied(farm::EngineId target, const farm::ContentKey& key,
                                         const std::string& problem, Timestamp now);

  Progress ProgressOf(farm::EngineId drained, Timestamp now) const;

 private:
  enum class State : uint8_t { kWaiting, kPreparing, kReady, kCopying, kCopied };
  // A content about which something was done.
  struct Work {
    State state = State::kWaiting;
    farm::EngineId target{};  // Of kCopying and kCopied; else who failed last.
    Timestamp until;          // kWaiting: not before. kCopied: it is tried again then.
    uint32_t failures = 0;
    std::string problem;
    Original original;
  };
  struct Source {
    std::vector<Sole> sole;
    std::map<farm::ContentKey, Work> work;  // Of some of `sole`.
    size_t next = 0;                        // In `sole`: where to look for work.
  };
  struct Asker {
    Target target;
    Timestamp at;
  };

  static void Fail(Work& work, const std::string& problem, Timestamp now);
  static const Sole* FindSole(const Source& source, const farm::ContentKey& key);
  // Why nobody could take a content of this size; empty: somebody could.
  std::string WhyNobody(farm::EngineId source, uint64_t size, Timestamp now) const;
  uint64_t RoomAtMost(farm::EngineId source, Timestamp now, bool& anybody) const;
  void Release(farm::EngineId target);

  std::map<farm::EngineId, Source> sources_;
  std::map<farm::EngineId, Asker> askers_;
};

}  // namespace strata::manager::control

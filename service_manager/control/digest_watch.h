#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "farm/engine.h"
#include "farm/table_digest.h"

namespace strata::manager::control {

// Questions whose answers can still be compared.
inline constexpr size_t kDigestsKept = 16;

// Compares what engines say their state is with what this manager's was at the same question, and
// remembers who holds another one. Pure; one thread at a time.
class DigestWatch {
 public:
  // This manager's state as the question of that number was delivered here.
  struct Own {
    uint64_t number = 0;
    uint64_t commit_number = 0;
    farm::TableDigest digest;
    // Of engines that keep a part only: what that part is here.
    std::map<farm::EngineId, farm::TableDigest> light = {};
  };
  enum class Finding : uint8_t { kEqual, kDiffers, kUnknown };

  void OnAsked(const Own& own);
  // kUnknown: the question was not delivered here, or long ago.
  Finding OnTold(farm::EngineId engine, uint64_t number, const farm::TableDigest& digest);
  // Who is not among them anymore takes the state anew before it is a member again.
  void OnView(const std::vector<farm::EngineId>& engines);

  std::optional<Own> Find(uint64_t number) const;
  // Who differs, by the number of the last question that showed it.
  const std::map<farm::EngineId, uint64_t>& differing() const { return differing_; }

 private:
  std::deque<Own> asked_;  // The last few.
  std::map<farm::EngineId, uint64_t> differing_;
};

}  // namespace strata::manager::control

#pragma once

#include <string>
#include <vector>

#include "farm/director.h"
#include "farm/state_table.h"

// What the tests of this room share.
namespace strata::farm::testing {

inline constexpr Timestamp kStart = Timestamp::FromNanos(1'000'000'000'000);
inline constexpr EngineId kManager{100};

// Engines A, B and C (ids 1 to 3) with the rows of seed 1's Figure 8, and its assets.
inline constexpr EngineId kA{1};
inline constexpr EngineId kB{2};
inline constexpr EngineId kC{3};

ContentKey KeyOfTitle(const std::string& title);
EngineInfo Engine(EngineId id, const std::string& name);
Asset AssetOf(uint64_t size);

// A table, and shorthand for what changes it; every message is expected to be applied.
class TestFarm {
 public:
  StateTable& table() { return table_; }

  void Register(EngineId id, const std::string& name);
  void Report(EngineId id, const Load& load, Timestamp now = kStart);
  void Add(EngineId id, const std::string& title, const Asset& asset = AssetOf(1000));
  void Remove(EngineId id, const std::string& title);
  void Apply(const Message& message, EngineId sender = kManager, bool from_manager = true,
             Timestamp now = kStart);

 private:
  StateTable table_;
};

// The three engines as the figure shows them: bandwidth in Mbit/s of 1,000, shares in per cent.
TestFarm FigureEight();

}  // namespace strata::farm::testing

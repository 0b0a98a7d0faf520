#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/strong_id.h"
#include "common/time.h"

namespace strata::farm {

// The id that an engine has as a member of the farm's multicast group.
using EngineId = StrongId<struct EngineIdTag, uint32_t>;

inline constexpr size_t kMaxEngineName = 32;      // Bytes; it is an SNMP context too.
inline constexpr size_t kMaxEngineAddresses = 8;  // Of each kind.
inline constexpr size_t kMaxParameters = 32;      // Named parameters of a row.
inline constexpr size_t kMaxParameterName = 32;   // Bytes.
inline constexpr size_t kMaxReason = 200;         // Bytes.

// What an engine can do at most; 0 is unknown.
struct Capacity {
  uint64_t bandwidth_in = 0;   // Bits a second.
  uint64_t bandwidth_out = 0;  // Bits a second.
  uint64_t storage = 0;        // Bytes.
  uint64_t memory = 0;         // Bytes.

  friend bool operator==(const Capacity&, const Capacity&) = default;
};

// What an engine says of itself when it registers.
struct EngineInfo {
  EngineId id{};
  std::string name;
  std::vector<Endpoint> clients;  // Where clients reach it; the first of a family is preferred.
  std::vector<Endpoint> peers;    // Where other engines fetch from it.
  Capacity capacity;

  friend bool operator==(const EngineInfo&, const EngineInfo&) = default;
};

// What an engine finds when it probes its own server.
enum class Health : uint8_t {
  kUp = 0,
  kDegraded = 1,  // It serves, but not well: the reason says why.
  kDown = 2,
};

// How an engine is used right now. Better ones come first.
enum class EngineStatus : uint8_t { kUp, kDegraded, kStale, kDraining, kDown };
const char* ToString(EngineStatus status);

// One report of an engine's load: newest wins, by sequence. Rates are means since the last report.
struct Load {
  uint64_t sequence = 0;  // From 1 with each registration.
  uint64_t bandwidth_in = 0;
  uint64_t bandwidth_out = 0;
  uint64_t storage_used = 0;
  uint64_t memory_used = 0;
  double cpu = 0;  // 0 to 1: of all its cores.
  uint32_t active_requests = 0;
  std::map<std::string, double> parameters;  // What adapters add: 0 idle to 1 exhausted.

  friend bool operator==(const Load&, const Load&) = default;
};

}  // namespace strata::farm

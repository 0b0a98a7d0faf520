#include "farm/director.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/bytes.h"

namespace strata::farm {
namespace {

bool Serves(EngineStatus status) {
  return status != EngineStatus::kDraining && status != EngineStatus::kDown;
}

// Better ones first; the id settles what is equal, so that all directors agree.
bool Better(const Candidate& a, const Candidate& b) {
  if (a.status != b.status) return a.status < b.status;
  if (a.overloaded != b.overloaded) return b.overloaded;
  if (a.load_factor != b.load_factor) return a.load_factor < b.load_factor;
  return a.engine < b.engine;
}

uint64_t FillWeight(const ContentKey& key, EngineId engine) {
  std::array<uint8_t, ContentKey::kBytes + 4> bytes;
  ByteWriter out(bytes);
  Encode(key, out);
  out.U32(engine.value());
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace

Candidate Director::Judge(const Row& row, Timestamp now) const {
  Candidate candidate;
  candidate.engine = row.engine.id;
  candidate.status = table_.StatusOf(row, now);
  candidate.load_factor = LoadFactor(row, settings_.weights);
  candidate.overloaded = candidate.load_factor >= settings_.overloaded;
  return candidate;
}

std::vector<Candidate> Director::Holders(const ContentKey& key, uint64_t spread, Timestamp now,
                                         std::optional<EngineId> except) const {
  std::vector<Candidate> candidates;
  const StateTable::Holders* holders = table_.FindHolders(key);
  if (holders == nullptr) return candidates;
  for (const EngineId engine : *holders) {
    if (engine == except || !table_.FindAsset(engine, key)->complete) continue;
    if (table_.ExpiryOf(engine, key) <= now) continue;
    const Candidate candidate = Judge(*table_.Find(engine), now);
    if (Serves(candidate.status)) candidates.push_back(candidate);
  }
  std::sort(candidates.begin(), candidates.end(), Better);
  if (candidates.empty()) return candidates;
  const Candidate best = candidates.front();
  size_t near = 0;
  for (Candidate& candidate : candidates) {
    candidate.near_best = candidate.status == best.status &&
                          candidate.overloaded == best.overloaded &&
                          candidate.load_factor <= best.load_factor + settings_.near_equal;
    near += candidate.near_best ? 1 : 0;
  }
  // The power of two choices: the halves of `spread` draw one each.
  const size_t one = static_cast<uint32_t>(spread) % near;
  const size_t other = static_cast<uint32_t>(spread >> 32) % near;
  std::rotate(candidates.begin(),
              candidates.begin() + static_cast<std::ptrdiff_t>(std::min(one, other)),
              candidates.begin() + static_cast<std::ptrdiff_t>(std::min(one, other)) + 1);
  return candidates;
}

std::vector<Candidate> Director::Fillers(const ContentKey& key, Timestamp now) const {
  std::vector<std::pair<uint64_t, Candidate>> weighted;
  for (const auto& [id, row] : table_.rows()) {
    const Candidate candidate = Judge(row, now);
    if (!Serves(candidate.status)) continue;
    const uint64_t capacity = row.engine.capacity.storage;
    const auto room = static_cast<double>(capacity) * (1 - settings_.fill_room);
    if (capacity != 0 && static_cast<double>(row.load.storage_used) > room) continue;
    weighted.emplace_back(FillWeight(key, id), candidate);
  }
  std::sort(weighted.begin(), weighted.end(), [](const auto& a, const auto& b) {
    if (a.second.status != b.second.status) return a.second.status < b.second.status;
    return a.first > b.first;
  });
  std::vector<Candidate> candidates;
  for (const auto& [weight, candidate] : weighted) candidates.push_back(candidate);
  return candidates;
}

}  // namespace strata::farm

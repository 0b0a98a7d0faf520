#include "farm/director.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "common/bytes.h"

namespace strata::farm {
namespace {

// An engine that has nothing left still counts a little.
constexpr double kLeastFree = 0.01;

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

std::vector<Candidate> Director::Holders(const ContentKey& key, uint64_t draw, Timestamp now,
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
  if (!candidates.empty()) DrawFirst(candidates, draw);
  return candidates;
}

void Director::DrawFirst(std::vector<Candidate>& candidates, uint64_t draw) const {
  if (!settings_.spread) {
    candidates.front().chance = 1;
    return;
  }
  const Candidate best = candidates.front();
  const auto last = std::find_if(candidates.begin(), candidates.end(), [&best](const Candidate& c) {
    return c.status != best.status || c.overloaded != best.overloaded;
  });
  const std::span<Candidate> good(candidates.begin(), last);
  const auto size = [this](const Candidate& c) {
    return static_cast<double>(table_.Find(c.engine)->engine.capacity.bandwidth_out);
  };
  // Where somebody's size is unknown all count alike.
  const bool sized =
      std::all_of(good.begin(), good.end(), [&](const Candidate& c) { return size(c) > 0; });
  double sum = 0;
  for (Candidate& c : good) {
    c.chance = (sized ? size(c) : 1) * std::max(kLeastFree, 1 - c.load_factor);
    sum += c.chance;
  }
  double at = static_cast<double>(draw >> 11) * 0x1p-53;  // From 0 to below 1.
  size_t drawn = good.size();
  for (size_t i = 0; i < good.size(); ++i) {
    good[i].chance /= sum;
    if (drawn == good.size() && at < good[i].chance) drawn = i;
    at -= good[i].chance;
  }
  if (drawn == good.size()) drawn = good.size() - 1;  // Rounding.
  const auto first = candidates.begin() + static_cast<std::ptrdiff_t>(drawn);
  std::rotate(candidates.begin(), first, first + 1);
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
  candidates.reserve(weighted.size());
  for (const auto& [weight, candidate] : weighted) candidates.push_back(candidate);
  return candidates;
}

}  // namespace strata::farm

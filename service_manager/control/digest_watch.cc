#include "service_manager/control/digest_watch.h"

#include <algorithm>

namespace strata::manager::control {

void DigestWatch::OnAsked(const Own& own) {
  asked_.push_back(own);
  if (asked_.size() > kDigestsKept) asked_.pop_front();
}

DigestWatch::Finding DigestWatch::OnTold(farm::EngineId engine, uint64_t number,
                                         const farm::TableDigest& digest) {
  const std::optional<Own> own = Find(number);
  if (!own) return Finding::kUnknown;
  const auto part = own->light.find(engine);
  if (digest == (part == own->light.end() ? own->digest : part->second)) {
    differing_.erase(engine);
    return Finding::kEqual;
  }
  differing_[engine] = number;
  return Finding::kDiffers;
}

void DigestWatch::OnView(const std::vector<farm::EngineId>& engines) {
  std::erase_if(differing_, [&engines](const auto& each) {
    return std::find(engines.begin(), engines.end(), each.first) == engines.end();
  });
}

std::optional<DigestWatch::Own> DigestWatch::Find(uint64_t number) const {
  for (const Own& own : asked_) {
    if (own.number == number) return own;
  }
  return std::nullopt;
}

}  // namespace strata::manager::control

#include "service_manager/federation/locate/answer_cache.h"

namespace strata::manager::federation {
namespace {

// Of the tables, for each answer.
constexpr size_t kEntryBytes = 256;

size_t BytesOf(const std::vector<LocatedCopy>& copies) {
  size_t bytes = kEntryBytes;
  for (const LocatedCopy& copy : copies) {
    bytes += sizeof(LocatedCopy) + copy.holder.scope.size() + copy.holder.engine.size() +
             copy.clients.size() * sizeof(Endpoint);
  }
  return bytes;
}

}  // namespace

void AnswerCache::Keep(NeighbourId from, const farm::ContentKey& key,
                       std::vector<LocatedCopy> copies, Timestamp until) {
  const Place place{key, from};
  const auto before = answers_.find(place);
  if (before != answers_.end()) Erase(before);
  const size_t bytes = BytesOf(copies);
  answers_.emplace(place, Kept{std::move(copies), until, bytes});
  by_end_.emplace(until, place);
  bytes_ += bytes;
  while (answers_.size() > limits_.answers_max || bytes_ > limits_.bytes_max) {
    Erase(answers_.find(by_end_.begin()->second));
  }
}

const AnswerCache::Kept* AnswerCache::Find(NeighbourId from, const farm::ContentKey& key,
                                           Timestamp now) const {
  const auto found = answers_.find({key, from});
  return found == answers_.end() || found->second.until <= now ? nullptr : &found->second;
}

void AnswerCache::Drop(const farm::ContentKey& key) {
  auto next = answers_.lower_bound({key, NeighbourId()});
  while (next != answers_.end() && next->first.first == key) Erase(next++);
}

void AnswerCache::DropAll() {
  answers_.clear();
  by_end_.clear();
  bytes_ = 0;
}

void AnswerCache::Erase(Answers::iterator answer) {
  by_end_.erase({answer->second.until, answer->first});
  bytes_ -= answer->second.bytes;
  answers_.erase(answer);
}

}  // namespace strata::manager::federation

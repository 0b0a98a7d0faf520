#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "common/time.h"
#include "farm/content_key.h"
#include "service_manager/federation/locate/locate_messages.h"
#include "service_manager/federation/locate/neighbours.h"

namespace strata::manager::federation {

struct AnswerCacheLimits {
  size_t answers_max = 65'536;
  size_t bytes_max = 64 << 20;  // Of memory, about.
};

// What neighbours have answered, for as long as they said it may be given again. When there is no
// room, those go first whose time ends first. Pure; one thread.
class AnswerCache {
 public:
  struct Kept {
    std::vector<LocatedCopy> copies;
    Timestamp until;
    size_t bytes = 0;
  };

  explicit AnswerCache(const AnswerCacheLimits& limits) : limits_(limits) {}

  // In the place of what that neighbour has answered before.
  void Keep(NeighbourId from, const farm::ContentKey& key, std::vector<LocatedCopy> copies,
            Timestamp until);
  // Null if there is nothing, or its time is over; valid until the next call of another function.
  const Kept* Find(NeighbourId from, const farm::ContentKey& key, Timestamp now) const;
  // All that was answered of a content.
  void Drop(const farm::ContentKey& key);
  void DropAll();

  size_t size() const { return answers_.size(); }
  size_t bytes() const { return bytes_; }

 private:
  using Place = std::pair<farm::ContentKey, NeighbourId>;
  using Answers = std::map<Place, Kept>;

  void Erase(Answers::iterator answer);

  const AnswerCacheLimits limits_;
  Answers answers_;
  std::set<std::pair<Timestamp, Place>> by_end_;
  size_t bytes_ = 0;
};

}  // namespace strata::manager::federation

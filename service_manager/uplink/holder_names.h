#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "service_manager/directory/location.h"
#include "service_manager/federation/feed/feed_sender.h"
#include "service_manager/federation/feed/range_set.h"
#include "service_manager/federation/holder_name.h"

namespace strata::manager::uplink {

// Who the numbers of holders are, as the parent is to hear it, and whose copies it is not told of
// because nobody knows that. One thread.
class HolderNames {
 public:
  // Nothing: nobody knows.
  using NameOf = std::function<std::optional<federation::Introduction>(directory::Holder)>;

  explicit HolderNames(NameOf name_of) : name_of_(std::move(name_of)) {}

  // Whether copies at this holder can be told. Asks for its name if it is not known.
  bool Knows(directory::Holder holder);
  // Of one that is known.
  federation::HolderIdentity identity(directory::Holder holder) const;
  // Asks again, if it was asked for before: it may have a name now, or other addresses.
  void Renew(directory::Holder holder);

  // Introduces those that became known since the last call, or have other addresses. Whom the
  // sender refuses is not known from then on; the caller asks Has() before it tells a copy.
  void Introduce(federation::FeedSender& sender);
  bool Has(directory::Holder holder) const { return known_.contains(holder); }

  // A copy in that range was not told, since its holder is not known.
  void NoteUntold(uint32_t range) { untold_.Insert(range); }
  // Somebody who was not known is, since the last call: the ranges to be told anew; else none.
  federation::RangeSet TakeNamed();

  size_t unnamed() const { return unnamed_.size() + refused_.size(); }

 private:
  struct Known {
    federation::Introduction introduction;
    federation::HolderIdentity identity;
  };

  bool Ask(directory::Holder holder);

  const NameOf name_of_;
  absl::flat_hash_map<directory::Holder, Known> known_;
  absl::flat_hash_set<directory::Holder> unnamed_, refused_;
  std::vector<directory::Holder> fresh_;  // To be introduced.
  federation::RangeSet untold_;
  bool named_ = false;
};

}  // namespace strata::manager::uplink

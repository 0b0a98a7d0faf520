#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/time.h"

namespace strata::manager::link {

// Since when each child has no stream. Pure; time begins anew with the object, so nobody is
// forgotten because this manager was away.
class SilentChildren {
 public:
  // Those that are known without a stream, in any order, as of now. Time goes on for those that
  // were among them before.
  void Look(const std::vector<std::string>& silent, Timestamp now);
  // One that is silent for `limit` or longer, the longest; nothing: there is none.
  std::optional<std::string> Longest(Duration limit, Timestamp now) const;

 private:
  std::map<std::string, Timestamp> since_;
};

}  // namespace strata::manager::link

#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "common/bytes.h"
#include "multicast/core/actions.h"

namespace strata::integration {

// A replicated state that shows every difference: a running hash over all that was committed, in
// order, and the last number of each run of each sender. A plain value.
class Replica {
 public:
  // The number that follows in this run, from 1.
  static Bytes Message(uint64_t run, uint64_t number, size_t bytes);

  void Apply(const multicast::DeliverAction& message);

  Bytes Save() const;
  // False, and empty, if the bytes are none of Save's.
  bool Load(ByteSpan state);

  uint64_t hash() const { return hash_; }
  uint64_t commit() const { return commit_; }        // Of the last message.
  uint64_t messages() const { return messages_; }    // Since the group began.
  uint64_t disorders() const { return disorders_; }  // Repeated, out of order or not a message.
  uint64_t LastOf(uint32_t member, uint64_t run) const;

 private:
  void Mix(ByteSpan bytes);

  uint64_t hash_ = 0xcbf29ce484222325;
  uint64_t commit_ = 0;
  uint64_t messages_ = 0;
  uint64_t disorders_ = 0;
  std::map<std::pair<uint32_t, uint64_t>, uint64_t> last_;  // (member, run) -> number
};

}  // namespace strata::integration

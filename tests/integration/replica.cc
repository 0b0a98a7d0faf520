#include "tests/integration/replica.h"

#include <algorithm>

namespace strata::integration {

Bytes Replica::Message(uint64_t run, uint64_t number, size_t bytes) {
  Bytes message(std::max<size_t>(bytes, 16));
  ByteWriter out(message);
  out.U64(run);
  out.U64(number);
  for (size_t i = 16; i < message.size(); ++i) message[i] = static_cast<uint8_t>(number + i);
  return message;
}

void Replica::Apply(const multicast::DeliverAction& message) {
  ByteReader in(message.message);
  const uint64_t run = in.U64();
  const uint64_t number = in.U64();
  uint64_t& last = last_[{message.origin.value(), run}];
  // Numbers may be left out (aborted sends), but never come twice or backwards.
  if (!in.ok() || number <= last || message.commit_number < commit_) ++disorders_;
  last = number;
  commit_ = message.commit_number;
  ++messages_;
  Bytes who(12);
  ByteWriter out(who);
  out.U32(message.origin.value());
  out.U64(message.commit_number);
  Mix(who);
  Mix(message.message);
}

void Replica::Mix(ByteSpan bytes) {
  for (const uint8_t byte : bytes) hash_ = (hash_ ^ byte) * 0x100000001b3;
}

uint64_t Replica::LastOf(uint32_t member, uint64_t run) const {
  const auto found = last_.find({member, run});
  return found == last_.end() ? 0 : found->second;
}

Bytes Replica::Save() const {
  Bytes state(32 + 20 * last_.size());
  ByteWriter out(state);
  for (const uint64_t value : {hash_, commit_, messages_, disorders_}) out.U64(value);
  for (const auto& [key, number] : last_) {
    out.U32(key.first);
    out.U64(key.second);
    out.U64(number);
  }
  return state;
}

bool Replica::Load(ByteSpan state) {
  *this = Replica();
  if (state.empty()) return true;  // Nothing was committed yet.
  ByteReader in(state);
  for (uint64_t* value : {&hash_, &commit_, &messages_, &disorders_}) *value = in.U64();
  while (in.ok() && in.remaining() > 0) {
    const uint32_t member = in.U32();
    const uint64_t run = in.U64();
    last_[{member, run}] = in.U64();
  }
  if (in.ok()) return true;
  *this = Replica();
  return false;
}

}  // namespace strata::integration

#include "multicast/wire/seal.h"

#include "common/check.h"
#include "multicast/wire/gcm.h"

namespace strata::multicast {

using internal::Gcm;

struct Sealer::Context {
  Context(GroupId for_group, const KeyRing& ring) : group(for_group), keys(ring) {}

  const GroupId group;
  const KeyRing& keys;
  // Grows over all incarnations and keys of this process: no nonce can come twice.
  uint64_t counter = 0;

  // Whom `gcm` is for.
  uint64_t generation = 0;
  uint8_t key_id = 0;
  MemberId sender{};
  Incarnation incarnation;
  std::optional<Gcm> gcm;

  Gcm& GcmOf(const uint8_t* header);
};

Gcm& Sealer::Context::GcmOf(const uint8_t* header) {
  const MemberId from(internal::Load<uint32_t>(header + kSenderOffset));
  const bool same = gcm && generation == keys.generation() && key_id == keys.in_use() &&
                    sender == from &&
                    std::memcmp(incarnation.bytes.data(), header + kIncarnationOffset,
                                incarnation.bytes.size()) == 0;
  if (same) return *gcm;
  generation = keys.generation();
  key_id = keys.in_use();
  sender = from;
  std::memcpy(incarnation.bytes.data(), header + kIncarnationOffset, incarnation.bytes.size());
  internal::KeyDerivation derivation(keys.Find(key_id), group);
  return gcm.emplace(derivation.Derive(sender, incarnation), Gcm::Direction::kSeal);
}

Sealer::Sealer(GroupId group, const KeyRing& keys)
    : context_(std::make_unique<Context>(group, keys)) {}
Sealer::~Sealer() = default;

size_t Sealer::overhead() const { return context_->keys.open() ? 0 : kTagBytes; }

void Sealer::Seal(std::span<uint8_t> datagram) {
  STRATA_CHECK(datagram.size() >= kHeaderBytes + overhead(), "%zu bytes", datagram.size());
  Context& context = *context_;
  const uint64_t counter = ++context.counter;
  uint8_t* header = datagram.data();
  internal::Store<uint64_t>(header + kCounterOffset, counter);
  if (context.keys.open()) {
    header[kTypeOffset] &= static_cast<uint8_t>(~kSealedBit);
    header[kKeyIdOffset] = 0;
    return;
  }
  header[kTypeOffset] |= kSealedBit;
  header[kKeyIdOffset] = context.keys.in_use();
  context.GcmOf(header).Seal(datagram, counter);
}

}  // namespace strata::multicast

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>

#include "common/bytes.h"
#include "common/status.h"
#include "multicast/wire/packets.h"

// Sealing and opening of datagrams (docs/protocols/multicast.md, section 3), and protection against
// replays. CPU only: no I/O, no clock, no randomness.
namespace strata::multicast {

// Why a datagram was rejected before anybody looked at its body.
enum class OpenError : uint8_t {
  kTooShort,
  kBadMagic,
  kBadVersion,
  kForeignGroup,
  kWrongSecurity,
  kUnknownKey,
  kForged,
  kReplayed,
  kOwnPacket,
};

// The group's keys by id. An empty ring means an open (unsealed) group. One thread.
class KeyRing {
 public:
  // 16 to 64 bytes of key. InvalidArgument otherwise; AlreadyExists if the id has another key.
  // The first key added is the sending one until Use says otherwise.
  Status Add(uint8_t id, ByteSpan key);
  Status Use(uint8_t id);     // NotFound if not added.
  Status Forget(uint8_t id);  // NotFound; FailedPrecondition for the key in use.
  bool open() const { return keys_.empty(); }
  uint8_t in_use() const { return in_use_; }
  // Empty if there is none.
  ByteSpan Find(uint8_t id) const;
  // Changes whenever a key was added or forgotten: derived keys are then stale.
  uint64_t generation() const { return generation_; }

 private:
  std::map<uint8_t, Bytes> keys_;
  uint8_t in_use_ = 0;
  uint64_t generation_ = 0;
};

// Seals this member's outgoing datagrams and numbers them. Owned by the driver; one thread.
class Sealer {
 public:
  Sealer(GroupId group, const KeyRing& keys);
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  // Bytes that a datagram grows by: kTagBytes or 0.
  size_t overhead() const;

  // `datagram`: header and body as the core wrote them (counter, key id and sealed flag not yet
  // set), then overhead() free bytes. Fills in the three fields, encrypts in place, writes the tag.
  // Takes sender and incarnation from the header. A new counter each call, also for the same bytes.
  void Seal(std::span<uint8_t> datagram);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Opens incoming datagrams: header checks, authentication, decryption, replay window. Owned by the
// driver; one thread. State for a sender exists only after a datagram of it was authenticated (in
// an open group: seen); the least recently used of kMaxSenders is forgotten.
class Opener {
 public:
  static constexpr size_t kMaxSenders = 256;
  static constexpr size_t kReplayWindow = 4096;

  Opener(GroupId group, MemberId self, const KeyRing& keys);
  ~Opener();
  Opener(const Opener&) = delete;
  Opener& operator=(const Opener&) = delete;

  struct Opened {
    Header header;
    ByteSpan body;  // Inside the datagram.
  };
  // Decrypts in place. Packets whose sender is `self` are kOwnPacket (before any cryptography)
  // whatever their incarnation.
  std::variant<Opened, OpenError> Open(std::span<uint8_t> datagram);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::multicast

#include <list>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "multicast/wire/gcm.h"
#include "multicast/wire/replay_window.h"
#include "multicast/wire/seal.h"

namespace strata::multicast {
namespace {

using internal::Gcm;
using internal::KeyDerivation;

static_assert(ReplayWindow::kSize == Opener::kReplayWindow);

// Whose state it is.
struct SenderKey {
  MemberId id{};
  Incarnation incarnation;
  friend bool operator==(const SenderKey&, const SenderKey&) = default;
};

// Incarnations are random, and only those that a key holder chose get into the table.
struct SenderHash {
  size_t operator()(const SenderKey& key) const {
    const uint8_t* bytes = key.incarnation.bytes.data();
    return internal::Load<uint64_t>(bytes) ^ internal::Load<uint64_t>(bytes + 8) ^ key.id.value();
  }
};

struct KeyedGcm {
  uint8_t key_id = 0;
  Gcm gcm;
};

struct Sender {
  SenderKey key;
  ReplayWindow window;
  uint64_t generation = 0;     // Of the key ring when `gcms` were made.
  std::vector<KeyedGcm> gcms;  // One; during a rotation of keys, two.
};

// The senders heard, with the last one heard in front; the least recently heard is forgotten.
class SenderTable {
 public:
  // Null if there is none. Does not count as hearing it.
  Sender* Find(const SenderKey& key) {
    if (!order_.empty() && order_.front().key == key) return &order_.front();
    const auto found = index_.find(key);
    return found == index_.end() ? nullptr : &*found->second;
  }

  void Touch(const Sender& sender) {
    if (&sender == &order_.front()) return;
    order_.splice(order_.begin(), order_, index_.at(sender.key));
  }

  Sender& Add(const SenderKey& key) {
    if (index_.size() == Opener::kMaxSenders) {
      index_.erase(order_.back().key);
      order_.pop_back();
    }
    order_.emplace_front();
    order_.front().key = key;
    index_.emplace(key, order_.begin());
    return order_.front();
  }

 private:
  std::list<Sender> order_;
  std::unordered_map<SenderKey, std::list<Sender>::iterator, SenderHash> index_;
};

}  // namespace

struct Opener::State {
  State(GroupId for_group, MemberId us, const KeyRing& ring)
      : group(for_group), self(us), keys(ring) {}

  const GroupId group;
  const MemberId self;
  const KeyRing& keys;
  SenderTable senders;
  std::unordered_map<uint8_t, KeyDerivation> derivations;  // By key id, of `generation`.
  uint64_t generation = 0;

  // What is wrong with a header before any cryptography.
  std::optional<OpenError> Check(const Header& header, size_t datagram_bytes) const;
  // Decrypts, with the sender's own context if `sender` is not null. Returns a context that was
  // made for it, to keep if the datagram turns out to be genuine.
  bool Decrypt(const Header& header, std::span<uint8_t> datagram, Sender* sender,
               std::optional<Gcm>& made);
  Gcm MakeGcm(const Header& header);
};

std::optional<OpenError> Opener::State::Check(const Header& header, size_t datagram_bytes) const {
  if (header.group != group) return OpenError::kForeignGroup;
  if (header.sender == self) return OpenError::kOwnPacket;
  if (header.sealed == keys.open()) return OpenError::kWrongSecurity;
  if (!header.sealed) return std::nullopt;
  if (datagram_bytes < kHeaderBytes + kTagBytes) return OpenError::kTooShort;
  if (keys.Find(header.key_id).empty()) return OpenError::kUnknownKey;
  return std::nullopt;
}

Gcm Opener::State::MakeGcm(const Header& header) {
  if (generation != keys.generation()) derivations.clear();
  generation = keys.generation();
  auto found = derivations.find(header.key_id);
  if (found == derivations.end()) {
    found =
        derivations.emplace(header.key_id, KeyDerivation(keys.Find(header.key_id), group)).first;
  }
  return Gcm(found->second.Derive(header.sender, header.incarnation), Gcm::Direction::kOpen);
}

bool Opener::State::Decrypt(const Header& header, std::span<uint8_t> datagram, Sender* sender,
                            std::optional<Gcm>& made) {
  if (sender != nullptr) {
    if (sender->generation != keys.generation()) sender->gcms.clear();
    sender->generation = keys.generation();
    for (KeyedGcm& keyed : sender->gcms) {
      if (keyed.key_id == header.key_id) return keyed.gcm.Open(datagram, header.counter);
    }
  }
  made.emplace(MakeGcm(header));
  return made->Open(datagram, header.counter);
}

Opener::Opener(GroupId group, MemberId self, const KeyRing& keys)
    : state_(std::make_unique<State>(group, self, keys)) {}
Opener::~Opener() = default;

std::variant<Opener::Opened, OpenError> Opener::Open(std::span<uint8_t> datagram) {
  const Decoded<Header> decoded = DecodeHeader(datagram);
  if (const DecodeError* error = std::get_if<DecodeError>(&decoded)) {
    if (*error == DecodeError::kTooShort) return OpenError::kTooShort;
    return *error == DecodeError::kBadMagic ? OpenError::kBadMagic : OpenError::kBadVersion;
  }
  const Header& header = std::get<Header>(decoded);
  if (const auto error = state_->Check(header, datagram.size())) return *error;

  const SenderKey key{header.sender, header.incarnation};
  Sender* sender = state_->senders.Find(key);
  const bool is_new = sender != nullptr ? sender->window.IsNew(header.counter) : header.counter > 0;
  if (!is_new) return OpenError::kReplayed;
  std::optional<Gcm> made;
  if (header.sealed && !state_->Decrypt(header, datagram, sender, made)) return OpenError::kForged;

  // Genuine: from here on the sender may have state.
  if (sender == nullptr) {
    sender = &state_->senders.Add(key);
    sender->generation = state_->keys.generation();
  }
  state_->senders.Touch(*sender);
  sender->window.Mark(header.counter);
  if (made) sender->gcms.push_back({header.key_id, std::move(*made)});
  const size_t tag_bytes = header.sealed ? kTagBytes : 0;
  return Opened{
      header, ByteSpan(datagram).subspan(kHeaderBytes, datagram.size() - kHeaderBytes - tag_bytes)};
}

}  // namespace strata::multicast

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/bytes.h"
#include "common/status.h"
#include "farm/asset.h"
#include "farm/engine.h"
#include "farm/site.h"
#include "farm/table_digest.h"

namespace strata::farm {

// What the members of a farm tell each other over reliable multicast: docs/protocols/farm.md, where
// the bytes are. All but LoadReport travel on a committed stream and change the state table of
// every member in the same order.

inline constexpr uint8_t kMessageVersion = 2;     // The highest that there is so far.
inline constexpr size_t kMaxAssetChanges = 4096;  // Of one message.
inline constexpr size_t kMaxPurgedKeys = 1000;    // Of one message.

// An engine is there, or what it says of itself has changed. Only the manager says so, who has
// checked its certificate. `registration` grows with each.
struct EngineRegistered {
  EngineInfo engine;
  uint64_t registration = 0;

  friend bool operator==(const EngineRegistered&, const EngineRegistered&) = default;
};

// An engine is gone for good: its row and all its assets.
struct EngineRemoved {
  EngineId engine{};

  friend bool operator==(const EngineRemoved&, const EngineRemoved&) = default;
};

// What the engine's own probe, or another member's, has found.
struct HealthChanged {
  EngineId engine{};
  Health health = Health::kUp;
  std::string reason;  // For people; empty when up.

  friend bool operator==(const HealthChanged&, const HealthChanged&) = default;
};

// An operator's order, by the manager.
struct DrainChanged {
  EngineId engine{};
  bool draining = false;

  friend bool operator==(const DrainChanged&, const DrainChanged&) = default;
};

// Copies came, changed or went. Applied in order; each is right whatever was before.
struct AssetsChanged {
  struct Change {
    ContentKey key;
    std::optional<Asset> asset;  // Nothing: the copy is gone.

    friend bool operator==(const Change&, const Change&) = default;
  };
  EngineId engine{};
  std::vector<Change> changes;

  friend bool operator==(const AssetsChanged&, const AssetsChanged&) = default;
};

// From here on the engine tells its whole inventory again.
struct InventoryBegins {
  EngineId engine{};

  friend bool operator==(const InventoryBegins&, const InventoryBegins&) = default;
};

// It has told all: what it did not tell since it began is gone.
struct InventoryEnds {
  EngineId engine{};

  friend bool operator==(const InventoryEnds&, const InventoryEnds&) = default;
};

// Received delivery. `registration` keeps reports of an earlier life away.
struct LoadReport {
  EngineId engine{};
  uint64_t registration = 0;
  Load load;

  friend bool operator==(const LoadReport&, const LoadReport&) = default;
};

// An operator applied a site; the manager says so. The version is above the present one.
struct SiteApplied {
  Site site;

  friend bool operator==(const SiteApplied&, const SiteApplied&) = default;
};

// A site is no more, and its purge log neither.
struct SiteRemoved {
  std::string site;

  friend bool operator==(const SiteRemoved&, const SiteRemoved&) = default;
};

// The next entry of a site's purge log: no engine may serve these copies again. The manager says
// so, after the entry is durable. Positions only grow.
struct Purged {
  std::string site;
  uint64_t position = 0;
  std::vector<ContentKey> keys;

  friend bool operator==(const Purged&, const Purged&) = default;
};

// The engine has done what the entry asks for, and all before it; or could not, with the reason.
struct PurgeApplied {
  EngineId engine{};
  std::string site;
  uint64_t position = 0;
  uint32_t dropped = 0;  // Copies that it held.
  std::string problem;   // Empty: done.

  friend bool operator==(const PurgeApplied&, const PurgeApplied&) = default;
};

// The manager asks every engine for the digest of its state, as of this message.
struct DigestAsked {
  uint64_t number = 0;

  friend bool operator==(const DigestAsked&, const DigestAsked&) = default;
};
struct DigestTold {
  EngineId engine{};
  uint64_t number = 0;
  TableDigest digest;

  friend bool operator==(const DigestTold&, const DigestTold&) = default;
};

// The engine's server serves by this version of the site; or does not, and goes on as before, with
// the reason.
struct SiteTaken {
  EngineId engine{};
  std::string site;
  uint64_t version = 0;
  std::string problem;  // Empty: it does.

  friend bool operator==(const SiteTaken&, const SiteTaken&) = default;
};

// Received delivery: what an engine's probe of another engine's server found.
struct Probed {
  EngineId engine{};    // The one that was probed.
  std::string problem;  // Empty: it serves.

  friend bool operator==(const Probed&, const Probed&) = default;
};

// Received delivery: the sender is there. For members that have nothing else to say for a while.
struct Present {
  friend bool operator==(const Present&, const Present&) = default;
};

using Message =
    std::variant<EngineRegistered, EngineRemoved, HealthChanged, DrainChanged, AssetsChanged,
                 InventoryBegins, InventoryEnds, LoadReport, SiteApplied, SiteRemoved, Purged,
                 PurgeApplied, DigestAsked, DigestTold, Present, SiteTaken, Probed>;

// The engine that a message is about; 0 for one about the whole farm.
EngineId EngineOf(const Message& message);

// The version of which a message is: the first one that has its kind, and all that is in it.
// Messages bear it, so that what has not changed is understood by everybody.
uint8_t VersionOf(const Message& message);

// Appends the message to `out`. A message beyond the limits above is a bug of the caller.
void Encode(const Message& message, Bytes& out);

// InvalidArgument, naming the field, for everything that Encode would not write.
StatusOr<Message> DecodeMessage(ByteSpan bytes);

// Whether these bytes are a message of a version that this program does not know, rather than
// nonsense: it is to be upgraded.
bool IsOfLaterVersion(ByteSpan bytes);

// ---- Pieces that snapshots and digests share.
void Encode(const EngineInfo& engine, Bytes& out);
void Encode(const Asset& asset, Bytes& out);
StatusOr<EngineInfo> DecodeEngineInfo(ByteReader& bytes);
StatusOr<Asset> DecodeAsset(ByteReader& bytes);

}  // namespace strata::farm

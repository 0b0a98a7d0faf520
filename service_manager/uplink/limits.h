#pragma once

#include <chrono>
#include <cstddef>

#include "common/time.h"

// The limits of what a manager keeps for telling its parent.
namespace strata::manager::uplink {

// Beyond kPiecesMax of copies and changes that wait to be durable, about 100 bytes each, changes
// are forgotten and their ranges told anew.
inline constexpr size_t kPiecesMax = 1'000'000;
// Groups of changes that wait to be durable; beyond it the last two become one.
inline constexpr size_t kGroupsMax = 64;

// A new content waits so long for its URI, which engines tell by another call, and so many do;
// beyond it they are told without.
inline constexpr Duration kUriWait = std::chrono::seconds(2);
inline constexpr size_t kUriWaitingMax = 65'536;
// Contents that were told without a URI, whose URI is told when it comes. What is beyond is found
// when its range is checked.
inline constexpr size_t kWithoutUriMax = 1'000'000;
// URIs that are kept of contents that were told lately.
inline constexpr size_t kRecentUrisMax = 65'536;

// A step of another policy's walk, and the pause between two.
inline constexpr size_t kWalkContents = 1000;
inline constexpr Duration kWalkPause = std::chrono::milliseconds(5);

// Changes that are handed to the link at once.
inline constexpr size_t kToldAtOnce = 1000;
// What could not be read is read again after this.
inline constexpr Duration kReadAgainAfter = std::chrono::seconds(1);

// Those that tests make smaller.
struct UplinkLimits {
  size_t pieces_max = kPiecesMax;
  Duration uri_wait = kUriWait;
  size_t uri_waiting_max = kUriWaitingMax;
  size_t without_uri_max = kWithoutUriMax;
  size_t walk_contents = kWalkContents;
  Duration walk_pause = kWalkPause;
};

}  // namespace strata::manager::uplink

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/content_key.h"
#include "service_manager/directory/location.h"
#include "service_manager/federation/holder_name.h"

// What managers ask each other of a content, and answer: docs/protocols/federation.md, 4. Plain
// values; whoever carries them from process to process keeps the bounds that stand here, and
// CheckQuestion and CheckAnswer look at what came from outside.

namespace strata::manager::federation {

inline constexpr uint32_t kLocateHopsMax = 8;      // Three levels up, three down, two to spare.
inline constexpr size_t kLocatedCopiesMax = 1024;  // Of an answer: some 500 kB at most.
inline constexpr size_t kLocateGapsMax = 64;       // Of an answer.
inline constexpr size_t kLocateTraceMax = 64;      // Hops of an answer.
inline constexpr Duration kLocateTimeMax = std::chrono::seconds(10);
inline constexpr Duration kAnswerKeptMax = std::chrono::seconds(60);

struct LocateQuestion {
  farm::ContentKey key;
  std::string canonical_uri;
  // The purge of this content, by its position in the log of the site, that whoever answers must
  // have applied; 0: any will do.
  uint64_t purged = 0;
  uint32_t hops_left = kLocateHopsMax;  // 0: the answer comes from this manager's directory alone.
  std::vector<std::string> visited = {};  // Scopes of the managers on its way so far, in order.
  Duration time_left{};                   // Until the asker gives up.
  bool trace = false;

  friend bool operator==(const LocateQuestion&, const LocateQuestion&) = default;
};

// One copy. No engine: it is somewhere in that scope, and nobody there could be asked.
struct LocatedCopy {
  HolderName holder;
  std::vector<Endpoint> clients = {};  // Where clients reach the engine; preferred ones first.
  directory::LocationFlags flags = 0;
  uint64_t size = 0;   // Bytes; 0: not known.
  bool stale = false;  // Nobody hears of its farm at the moment.

  friend bool operator==(const LocatedCopy&, const LocatedCopy&) = default;
};

// Why a scope is missing in an answer.
enum class GapReason : uint8_t {
  kNoLink,    // It is not connected.
  kNoParent,  // The parent of the scope is not connected.
  kLost,      // Its link ended before it answered.
  kSilent,    // It did not answer in time.
  kNoTime,    // No time was left to ask it.
  kTooFar,    // The question had no hop left.
  kVisited,   // The question came to it again.
  kBusy,      // It has too many questions.
  kRefused,   // It refused the question, or its answer was wrong.
  kBehind,    // It has not applied the last purge of this content yet.
  kPurged,    // The content was purged again and again while it looked.
  kCut,       // There are more copies than an answer may name.
};
inline constexpr GapReason kGapReasonLast = GapReason::kCut;

struct LocateGap {
  std::string scope;
  GapReason reason = GapReason::kNoLink;

  friend auto operator<=>(const LocateGap&, const LocateGap&) = default;
};
// "cdn-one/dc-two did not answer in time".
std::string ToString(const LocateGap& gap);

// A manager on the way of a traced question.
struct LocateHop {
  std::string scope;
  uint32_t depth = 0;     // 0: who answers; 1: whom it asked; and so on, each behind its asker.
  uint32_t copies = 0;    // That its answer named.
  Duration took{};        // From question to answer, there.
  Duration round_trip{};  // The same as its asker saw it: what is more, the link took.

  friend bool operator==(const LocateHop&, const LocateHop&) = default;
};

struct LocateAnswer {
  std::vector<LocatedCopy> copies;  // By holder, each once.
  std::vector<LocateGap> gaps;      // What could not be asked. Empty: the answer is whole.
  Duration keep_for{};              // It may be given again for so long; 0: it may not.
  std::vector<LocateHop> trace;     // Of a traced question; the one who answers is the first.

  bool partial() const { return !gaps.empty(); }
  friend bool operator==(const LocateAnswer&, const LocateAnswer&) = default;
};

// Whether a question or an answer from outside keeps the bounds: InvalidArgument names the field.
Status CheckQuestion(const LocateQuestion& question);
Status CheckAnswer(const LocateAnswer& answer);

}  // namespace strata::manager::federation

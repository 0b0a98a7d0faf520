#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "common/time.h"
#include "farm/content_key.h"
#include "service_engine/core/http_fields.h"

namespace strata::engine {

// One fetch from an origin; 0 is none.
using FetchNumber = uint64_t;

struct FillBoardLimits {
  size_t fetches_max = 256;    // That still ask or read.
  size_t held_max = 16 * 256;  // With those that have all, and are being handed out.
  // A content whose answer may not be shared is not waited for again for so long.
  Duration unshared_memory = std::chrono::seconds(10);
  size_t remembered_max = 4096;  // Contents that are known to be unshared, or to vary.
};

// Which fetches are in flight, and who may have the bytes of which (section 5 of
// docs/protocols/agent.md). A fetch stays until all that it has been handed to is where it belongs,
// so that whoever asks either joins it or finds it in the cache. Pure, one thread.
class FillBoard {
 public:
  explicit FillBoard(const FillBoardLimits& limits) : limits_(limits) {}

  // ---- Whoever wants a content.
  struct Place {
    enum class Kind : uint8_t { kLead, kJoin, kFull };
    Kind kind = Kind::kFull;
    FetchNumber number = 0;
  };
  // A request of these header lines. kLead: the caller starts that fetch, with just these lines.
  // `shares`: others may have the bytes, and it may have others'.
  Place Enter(const farm::ContentKey& key, const HttpFields& request, bool shares, Timestamp now);
  // A fetch that it could join; 0 if there is none.
  FetchNumber FindToJoin(const farm::ContentKey& key, const HttpFields& request) const;

  // Somebody who reads a fetch.
  struct Reader {
    FetchNumber number = 0;
    bool fills = false;  // For the cache; else for a client.
    bool leads = false;  // The fetch is his: he takes what comes.
  };
  // Nothing if the fetch is over, or is not of `key`. `claims`: it was started for this request;
  // the first of these leads.
  struct Wish {
    bool fills = false;
    bool claims = false;
  };
  std::optional<Reader> Attach(FetchNumber number, const farm::ContentKey& key, Wish wish);
  enum class Share : uint8_t {
    kWait,  // There is no answer yet.
    kTake,  // It is his. From now on a purge cuts it off.
    kOwn,   // It may not be shared, or is another variant: he needs a fetch of his own.
    kGone,  // It was cut off.
  };
  Share Look(const Reader& reader, const HttpFields& request);
  // True if the fetch is over and forgotten.
  bool Detach(const Reader& reader);

  // ---- The fetch itself. A purge that asks again starts another round; what earlier rounds bring
  // is refused with false.
  struct Answer {
    int status = 0;
    bool shared = false;  // It is kept, so others may have it.
    std::vector<std::string> vary;
  };
  bool OnAnswer(FetchNumber number, uint32_t round, Answer answer, Timestamp now);
  // `whole`: all of it has come. Else nobody joins it any more.
  bool OnEnd(FetchNumber number, uint32_t round, bool whole);
  // Nobody has come for it in a long time: it does not wait for a first reader any more. True if it
  // is over and forgotten.
  bool Expire(FetchNumber number);

  // ---- Purge.
  struct Ended {
    FetchNumber number = 0;
    bool again = false;  // Nobody has had any of it: its next round begins. Else it is cut off.
    uint32_t round = 0;
  };
  std::vector<Ended> EndOlder(std::span<const farm::ContentKey> keys);
  // Cut off, whether anybody has had some of it or not: it is not asked again.
  void Cut(FetchNumber number);
  // How many still fill the cache from it.
  size_t FillersOf(FetchNumber number) const;

  bool Contains(FetchNumber number) const { return fetches_.contains(number); }
  size_t size() const { return fetches_.size(); }

 private:
  struct Fetch {
    farm::ContentKey key;
    HttpFields request;
    bool shares = true;
    bool led = false;    // Its leader has come.
    bool begun = false;  // Somebody has had some of it.
    bool ended = false;  // All has come that will come.
    bool cut = false;
    bool expired = false;
    uint32_t round = 0;
    std::optional<Answer> answer;
    size_t readers = 0;
    size_t fillers = 0;  // Of these.
  };

  void SetEnded(Fetch& fetch, bool ended);
  bool MayJoin(const Fetch& fetch, const HttpFields& request) const;
  bool ForgetIfOver(FetchNumber number, const Fetch& fetch);
  void Unlist(FetchNumber number, const farm::ContentKey& key);
  void Remember(const farm::ContentKey& key, const Answer& answer, Timestamp now);

  FillBoardLimits limits_;
  FetchNumber last_ = 0;
  size_t open_ = 0;  // Fetches that have not ended.
  absl::flat_hash_map<FetchNumber, Fetch> fetches_;
  absl::flat_hash_map<farm::ContentKey, absl::InlinedVector<FetchNumber, 2>> by_key_;
  absl::flat_hash_map<farm::ContentKey, Timestamp> unshared_;  // Until when.
  // By what contents vary, as the last answer said: variants do not wait for each other.
  absl::flat_hash_map<farm::ContentKey, std::vector<std::string>> vary_;
};

}  // namespace strata::engine

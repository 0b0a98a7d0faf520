#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "farm/content_key.h"
#include "farm/site.h"
#include "service_engine/core/fill_board.h"
#include "service_engine/core/freshness.h"
#include "service_engine/core/http_fields.h"
#include "service_engine/transfer/spool.h"

namespace strata::engine::transfer {

class Bell;

// What to fetch.
struct FetchOrder {
  std::shared_ptr<const farm::Site> site;
  farm::ContentKey key;
  std::string target;       // Path and query in canonical form.
  HttpFields request;       // As the client's request had them, for comparing variants.
  HttpFields to_origin;     // With conditions, where nginx renews.
  bool authorized = false;  // The request carried Authorization.
};

// The front of an answer, as everybody gets it.
struct AnswerHead {
  int status = 0;
  std::string reason;
  HttpFields fields;  // Without Cache-Control and the length.
  Freshness freshness;
  std::optional<uint64_t> length;  // Of the body, if the origin says.
};

// One fetch from an origin: its answer's front and as much of the body as has come. One coroutine
// writes it, any number follow it. Any thread.
class Fetch {
 public:
  enum class End : uint8_t { kOpen, kWhole, kBroken };
  // One moment of it.
  struct View {
    uint32_t round = 0;
    std::shared_ptr<const AnswerHead> head;  // Null before the answer.
    std::shared_ptr<const Spool> spool;      // Null without a body.
    uint64_t bytes = 0;                      // Of the body that are in the spool.
    End end = End::kOpen;
    bool cut = false;
  };
  // Somebody who reads it. `interrupt` is called on his executor when it is cut off.
  struct Follower {
    std::shared_ptr<Bell> bell;
    std::function<void()> interrupt;
  };

  Fetch(FetchNumber number, FetchOrder order) : number_(number), order_(std::move(order)) {}

  FetchNumber number() const { return number_; }
  const FetchOrder& order() const { return order_; }

  // ---- Reading.
  View Look() const;
  void Follow(std::shared_ptr<Follower> follower);
  void Unfollow(const std::shared_ptr<Follower>& follower);

  // ---- Writing: refused with false if `round` is over, or the fetch was cut off.
  bool SetHead(uint32_t round, AnswerHead head, std::shared_ptr<Spool> spool);
  bool AddBytes(uint32_t round, uint64_t bytes);  // They are in the spool.
  bool SetEnd(uint32_t round, End end);
  void RingAll();
  // How to break off the exchange of `round`; called once at most, by whoever ends the round.
  bool SetAbort(uint32_t round, std::function<void()> abort);

  // ---- Purge.
  void BeginRound(uint32_t round);
  void CutOff();

 private:
  const FetchNumber number_;
  const FetchOrder order_;

  mutable absl::Mutex mu_;
  View view_ ABSL_GUARDED_BY(mu_);
  std::function<void()> abort_ ABSL_GUARDED_BY(mu_);
  std::vector<std::shared_ptr<Follower>> followers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace strata::engine::transfer

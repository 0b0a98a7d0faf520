#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/status.h"
#include "service_engine/core/fill_board.h"
#include "service_engine/transfer/fetch.h"

namespace strata::engine::transfer {

// The fill board with the fetches that are on it, for all threads.
class FetchTable {
 public:
  // Runs the given round of a fetch; called without the table's lock.
  using Runner = std::function<void(const std::shared_ptr<Fetch>&, uint32_t round)>;

  FetchTable(const FillBoardLimits& limits, Runner runner, Gauge& level);

  struct Place {
    FillBoard::Place::Kind kind = FillBoard::Place::Kind::kFull;
    FetchNumber number = 0;
  };
  // Finds the fetch to join, or starts one.
  Place Enter(const FetchOrder& order, bool shares);
  FetchNumber FindToJoin(const farm::ContentKey& key, const HttpFields& request) const;

  // A place at a fetch: leaves it when it goes.
  class Seat {
   public:
    Seat(FetchTable& table, FillBoard::Reader reader, std::shared_ptr<Fetch> fetch)
        : table_(table), reader_(reader), fetch_(std::move(fetch)) {}
    ~Seat() { table_.Detach(reader_); }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

    FillBoard::Share Look(const HttpFields& request) { return table_.Look(reader_, request); }
    Fetch& fetch() { return *fetch_; }
    // A second place at the same fetch, that no purge waits for.
    std::unique_ptr<Seat> Another() const {
      return table_.Attach(reader_.number, fetch_->order().key, {});
    }

   private:
    FetchTable& table_;
    const FillBoard::Reader reader_;
    const std::shared_ptr<Fetch> fetch_;
  };
  // Null if that fetch is over, or is not of `key`.
  std::unique_ptr<Seat> Attach(FetchNumber number, const farm::ContentKey& key,
                               FillBoard::Wish wish);

  // ---- Of the runner.
  bool Publish(Fetch& fetch, uint32_t round, AnswerHead head, std::shared_ptr<Spool> spool);
  void Finish(Fetch& fetch, uint32_t round, Fetch::End end);
  void Expire(FetchNumber number);

  // Section 6 of docs/protocols/agent.md; see AgentServer::EndFetches.
  Status EndOlder(std::span<const farm::ContentKey> keys, Duration patience);
  // See AgentServer::EndFetchesOf.
  Status EndSite(std::string_view site, Duration patience);
  void CutAll();
  void GiveUp();  // See AgentServer::GiveUp.
  size_t size() const;

 private:
  FillBoard::Share Look(const FillBoard::Reader& reader, const HttpFields& request);
  void Detach(const FillBoard::Reader& reader);
  Status AwaitRelease(const std::vector<FetchNumber>& cut, Duration patience);
  void Forget(FetchNumber number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Runner runner_;
  Gauge& level_;
  mutable absl::Mutex mu_;
  bool given_up_ ABSL_GUARDED_BY(mu_) = false;
  FillBoard board_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<FetchNumber, std::shared_ptr<Fetch>> fetches_ ABSL_GUARDED_BY(mu_);
};

}  // namespace strata::engine::transfer

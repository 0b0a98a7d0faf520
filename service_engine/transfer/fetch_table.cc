#include "service_engine/transfer/fetch_table.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "service_engine/core/proxy_fields.h"

namespace strata::engine::transfer {
namespace {

Timestamp Now() {
  return Timestamp::FromNanos(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                  std::chrono::steady_clock::now().time_since_epoch())
                                  .count());
}

}  // namespace

FetchTable::FetchTable(const FillBoardLimits& limits, Runner runner, Gauge& level)
    : runner_(std::move(runner)), level_(level), board_(limits) {}

FetchTable::Place FetchTable::Enter(const FetchOrder& order, bool shares) {
  std::shared_ptr<Fetch> fetch;
  FillBoard::Place place;
  {
    absl::MutexLock lock(&mu_);
    place = board_.Enter(order.key, order.request, shares, Now());
    if (place.kind == FillBoard::Place::Kind::kLead) {
      fetch = std::make_shared<Fetch>(place.number, order);
      fetches_.emplace(place.number, fetch);
      level_.Set(static_cast<double>(fetches_.size()));
    }
  }
  if (fetch != nullptr) runner_(fetch, 0);
  return {place.kind, place.number};
}

FetchNumber FetchTable::FindToJoin(const farm::ContentKey& key, const HttpFields& request) const {
  absl::MutexLock lock(&mu_);
  return board_.FindToJoin(key, request);
}

std::unique_ptr<FetchTable::Seat> FetchTable::Attach(FetchNumber number,
                                                     const farm::ContentKey& key,
                                                     FillBoard::Wish wish) {
  absl::MutexLock lock(&mu_);
  const auto reader = board_.Attach(number, key, wish);
  if (!reader) return nullptr;
  return std::make_unique<Seat>(*this, *reader, fetches_.at(number));
}

FillBoard::Share FetchTable::Look(const FillBoard::Reader& reader, const HttpFields& request) {
  absl::MutexLock lock(&mu_);
  return board_.Look(reader, request);
}

void FetchTable::Detach(const FillBoard::Reader& reader) {
  absl::MutexLock lock(&mu_);
  if (board_.Detach(reader)) Forget(reader.number);
}

void FetchTable::Forget(FetchNumber number) {
  fetches_.erase(number);
  level_.Set(static_cast<double>(fetches_.size()));
}

bool FetchTable::Publish(Fetch& fetch, uint32_t round, AnswerHead head,
                         std::shared_ptr<Spool> spool) {
  FillBoard::Answer answer;
  answer.status = head.status;
  answer.shared = head.freshness.kept();
  answer.vary = VaryNames(head.fields);
  // The bytes are there before the board lets anybody take them.
  if (!fetch.SetHead(round, std::move(head), std::move(spool))) return false;
  {
    absl::MutexLock lock(&mu_);
    if (!board_.OnAnswer(fetch.number(), round, std::move(answer), Now())) return false;
  }
  fetch.RingAll();
  return true;
}

void FetchTable::Finish(Fetch& fetch, uint32_t round, Fetch::End end) {
  fetch.SetEnd(round, end);
  absl::MutexLock lock(&mu_);
  board_.OnEnd(fetch.number(), round, end == Fetch::End::kWhole);
  if (!board_.Contains(fetch.number())) Forget(fetch.number());
}

void FetchTable::Expire(FetchNumber number) {
  absl::MutexLock lock(&mu_);
  if (board_.Expire(number)) Forget(number);
}

Status FetchTable::EndOlder(std::span<const farm::ContentKey> keys, Duration patience) {
  std::vector<std::pair<std::shared_ptr<Fetch>, FillBoard::Ended>> ended;
  {
    absl::MutexLock lock(&mu_);
    for (const FillBoard::Ended& one : board_.EndOlder(keys)) {
      ended.emplace_back(fetches_.at(one.number), one);
      if (!board_.Contains(one.number)) Forget(one.number);
    }
  }
  std::vector<FetchNumber> cut;
  for (const auto& [fetch, one] : ended) {
    if (one.again) {
      fetch->BeginRound(one.round);
      runner_(fetch, one.round);
    } else {
      fetch->CutOff();
      cut.push_back(one.number);
    }
  }
  return AwaitRelease(cut, patience);
}

Status FetchTable::EndSite(std::string_view site, Duration patience) {
  std::vector<std::shared_ptr<Fetch>> ended;
  std::vector<FetchNumber> cut;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [number, fetch] : fetches_) {
      if (fetch->order().site->name == site) ended.push_back(fetch);
    }
    for (const auto& fetch : ended) {
      const FetchNumber number = fetch->number();
      cut.push_back(number);
      board_.Cut(number);
      if (!board_.Contains(number)) Forget(number);
    }
  }
  for (const auto& fetch : ended) fetch->CutOff();
  return AwaitRelease(cut, patience);
}

// Until nginx has let go of what was cut off.
Status FetchTable::AwaitRelease(const std::vector<FetchNumber>& cut, Duration patience) {
  const auto released = [this, &cut]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return std::all_of(cut.begin(), cut.end(),
                       [this](FetchNumber number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
                         return board_.FillersOf(number) == 0;
                       });
  };
  const auto over = [this, &released]()
                        ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return given_up_ || released(); };
  absl::MutexLock lock(&mu_);
  mu_.AwaitWithTimeout(absl::Condition(&over), absl::FromChrono(patience));
  if (released()) return Ok();
  return DeadlineExceeded("the server still holds bytes of a fetch that was cut off");
}

void FetchTable::CutAll() {
  std::vector<std::shared_ptr<Fetch>> all;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [number, fetch] : fetches_) all.push_back(fetch);
  }
  for (const auto& fetch : all) fetch->CutOff();
}

void FetchTable::GiveUp() {
  absl::MutexLock lock(&mu_);
  given_up_ = true;
}

size_t FetchTable::size() const {
  absl::MutexLock lock(&mu_);
  return fetches_.size();
}

}  // namespace strata::engine::transfer

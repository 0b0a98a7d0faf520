#include "service_engine/core/fill_board.h"

#include <algorithm>

#include "service_engine/core/proxy_fields.h"

namespace strata::engine {
namespace {

constexpr int kNotModified = 304;

// nginx may have an old copy to fall back on, or has one to renew: it has to ask for its cache.
bool IsForCacheOnly(int status) { return status == kNotModified || status >= 500; }

bool SameConditions(const HttpFields& one, const HttpFields& other) {
  return Agree(one, other, {"if-none-match", "if-modified-since"});
}

}  // namespace

FillBoard::Place FillBoard::Enter(const farm::ContentKey& key, const HttpFields& request,
                                  bool shares, Timestamp now) {
  const auto unshared = unshared_.find(key);
  if (unshared != unshared_.end() && unshared->second > now) shares = false;
  if (shares) {
    const FetchNumber number = FindToJoin(key, request);
    if (number != 0) return {Place::Kind::kJoin, number};
  }
  if (open_ >= limits_.fetches_max || fetches_.size() >= limits_.held_max) {
    return {Place::Kind::kFull, 0};
  }
  Fetch fetch;
  fetch.key = key;
  fetch.request = request;
  fetch.shares = shares;
  fetches_.emplace(++last_, std::move(fetch));
  by_key_[key].push_back(last_);
  ++open_;
  return {Place::Kind::kLead, last_};
}

FetchNumber FillBoard::FindToJoin(const farm::ContentKey& key, const HttpFields& request) const {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return 0;
  for (const FetchNumber number : found->second) {
    if (MayJoin(fetches_.at(number), request)) return number;
  }
  return 0;
}

bool FillBoard::MayJoin(const Fetch& fetch, const HttpFields& request) const {
  if (!fetch.shares) return false;
  if (!fetch.answer) {
    const auto vary = vary_.find(fetch.key);
    return vary == vary_.end() || Agree(fetch.request, request, vary->second);
  }
  return fetch.answer->shared && Agree(fetch.request, request, fetch.answer->vary);
}

std::optional<FillBoard::Reader> FillBoard::Attach(FetchNumber number, const farm::ContentKey& key,
                                                   Wish wish) {
  const auto found = fetches_.find(number);
  if (found == fetches_.end() || found->second.cut || found->second.key != key) return std::nullopt;
  Fetch& fetch = found->second;
  const Reader reader{number, wish.fills, wish.claims && !fetch.led};
  fetch.led = fetch.led || wish.claims;
  ++fetch.readers;
  if (wish.fills) ++fetch.fillers;
  return reader;
}

FillBoard::Share FillBoard::Look(const Reader& reader, const HttpFields& request) {
  const auto found = fetches_.find(reader.number);
  if (found == fetches_.end() || found->second.cut) return Share::kGone;
  Fetch& fetch = found->second;
  if (!fetch.answer) return Share::kWait;
  if (!reader.leads) {
    if (!MayJoin(fetch, request)) return Share::kOwn;
    if (!reader.fills && IsForCacheOnly(fetch.answer->status)) return Share::kOwn;
    if (fetch.answer->status == kNotModified && !SameConditions(fetch.request, request)) {
      return Share::kOwn;
    }
  }
  fetch.begun = true;
  return Share::kTake;
}

bool FillBoard::Detach(const Reader& reader) {
  const auto found = fetches_.find(reader.number);
  if (found == fetches_.end()) return true;
  --found->second.readers;
  if (reader.fills) --found->second.fillers;
  return ForgetIfOver(reader.number, found->second);
}

bool FillBoard::OnAnswer(FetchNumber number, uint32_t round, Answer answer, Timestamp now) {
  const auto found = fetches_.find(number);
  if (found == fetches_.end() || found->second.cut || found->second.round != round) return false;
  Fetch& fetch = found->second;
  if (fetch.shares) Remember(fetch.key, answer, now);
  answer.shared = answer.shared && fetch.shares;
  fetch.answer = std::move(answer);
  return true;
}

bool FillBoard::OnEnd(FetchNumber number, uint32_t round, bool whole) {
  const auto found = fetches_.find(number);
  if (found == fetches_.end() || found->second.round != round) return false;
  SetEnded(found->second, true);
  if (!whole) Unlist(number, farm::ContentKey(found->second.key));
  ForgetIfOver(number, found->second);
  return true;
}

bool FillBoard::Expire(FetchNumber number) {
  const auto found = fetches_.find(number);
  if (found == fetches_.end()) return true;
  found->second.expired = true;
  return ForgetIfOver(number, found->second);
}

std::vector<FillBoard::Ended> FillBoard::EndOlder(std::span<const farm::ContentKey> keys) {
  std::vector<Ended> ended;
  for (const farm::ContentKey& key : keys) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) continue;
    const auto numbers = found->second;  // Unlisting changes it.
    for (const FetchNumber number : numbers) {
      Fetch& fetch = fetches_.at(number);
      if (fetch.begun) {
        fetch.cut = true;
        SetEnded(fetch, true);
        Unlist(number, key);
      } else {
        ++fetch.round;
        fetch.answer.reset();
        SetEnded(fetch, false);
      }
      ended.push_back({number, !fetch.begun, fetch.round});
      ForgetIfOver(number, fetch);
    }
  }
  return ended;
}

void FillBoard::Cut(FetchNumber number) {
  const auto found = fetches_.find(number);
  if (found == fetches_.end()) return;
  Fetch& fetch = found->second;
  fetch.cut = true;
  SetEnded(fetch, true);
  Unlist(number, farm::ContentKey(fetch.key));
  ForgetIfOver(number, fetch);
}

size_t FillBoard::FillersOf(FetchNumber number) const {
  const auto found = fetches_.find(number);
  return found == fetches_.end() ? 0 : found->second.fillers;
}

// A cut fetch needs no end: nobody will read more of it.
bool FillBoard::ForgetIfOver(FetchNumber number, const Fetch& fetch) {
  const bool complete = fetch.ended && (fetch.led || fetch.expired);
  if (fetch.readers > 0 || !(fetch.cut || complete)) return false;
  const farm::ContentKey key = fetch.key;
  fetches_.erase(number);
  Unlist(number, key);
  return true;
}

void FillBoard::SetEnded(Fetch& fetch, bool ended) {
  if (fetch.ended == ended) return;
  fetch.ended = ended;
  open_ = ended ? open_ - 1 : open_ + 1;
}

void FillBoard::Unlist(FetchNumber number, const farm::ContentKey& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  auto& numbers = found->second;
  numbers.erase(std::remove(numbers.begin(), numbers.end(), number), numbers.end());
  if (numbers.empty()) by_key_.erase(found);
}

void FillBoard::Remember(const farm::ContentKey& key, const Answer& answer, Timestamp now) {
  if (answer.shared) {
    unshared_.erase(key);
  } else {
    if (unshared_.size() >= limits_.remembered_max) unshared_.clear();
    unshared_[key] = now + limits_.unshared_memory;
  }
  if (answer.vary.empty()) {
    vary_.erase(key);
  } else {
    if (vary_.size() >= limits_.remembered_max) vary_.clear();
    vary_[key] = answer.vary;
  }
}

}  // namespace strata::engine

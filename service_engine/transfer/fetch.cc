#include "service_engine/transfer/fetch.h"

#include <algorithm>
#include <utility>

#include "service_engine/transfer/bell.h"

namespace strata::engine::transfer {

Fetch::View Fetch::Look() const {
  absl::MutexLock lock(&mu_);
  return view_;
}

void Fetch::Follow(std::shared_ptr<Follower> follower) {
  absl::MutexLock lock(&mu_);
  followers_.push_back(std::move(follower));
}

void Fetch::Unfollow(const std::shared_ptr<Follower>& follower) {
  absl::MutexLock lock(&mu_);
  std::erase(followers_, follower);
}

bool Fetch::SetHead(uint32_t round, AnswerHead head, std::shared_ptr<Spool> spool) {
  absl::MutexLock lock(&mu_);
  if (view_.round != round || view_.cut) return false;
  view_.head = std::make_shared<const AnswerHead>(std::move(head));
  view_.spool = std::move(spool);
  return true;
}

bool Fetch::AddBytes(uint32_t round, uint64_t bytes) {
  {
    absl::MutexLock lock(&mu_);
    if (view_.round != round || view_.cut) return false;
    view_.bytes += bytes;
  }
  RingAll();
  return true;
}

bool Fetch::SetEnd(uint32_t round, End end) {
  {
    absl::MutexLock lock(&mu_);
    if (view_.round != round || view_.cut) return false;
    view_.end = end;
    abort_ = nullptr;
  }
  RingAll();
  return true;
}

void Fetch::RingAll() {
  absl::MutexLock lock(&mu_);
  for (const auto& follower : followers_) follower->bell->Ring();
}

bool Fetch::SetAbort(uint32_t round, std::function<void()> abort) {
  absl::MutexLock lock(&mu_);
  if (view_.round != round || view_.cut) return false;
  abort_ = std::move(abort);
  return true;
}

void Fetch::BeginRound(uint32_t round) {
  std::function<void()> abort;
  {
    absl::MutexLock lock(&mu_);
    view_ = View{};
    view_.round = round;
    abort = std::exchange(abort_, nullptr);
  }
  if (abort) abort();
}

void Fetch::CutOff() {
  std::function<void()> abort;
  {
    absl::MutexLock lock(&mu_);
    view_.cut = true;
    abort = std::exchange(abort_, nullptr);
    for (const auto& follower : followers_) {
      follower->bell->Ring();
      follower->bell->Interrupt(follower->interrupt);
    }
  }
  if (abort) abort();
}

}  // namespace strata::engine::transfer

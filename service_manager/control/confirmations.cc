#include "service_manager/control/confirmations.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"

namespace strata::manager::control {

Confirmations::Waiter::~Waiter() {
  absl::MutexLock lock(&all_.mutex_);
  auto [it, end] = all_.waiters_.equal_range(subject_);
  while (it->second != this) ++it;
  all_.waiters_.erase(it);
}

Confirmations::Answers Confirmations::Waiter::Wait(const std::vector<farm::EngineId>& engines,
                                                   Duration limit) {
  absl::MutexLock lock(&all_.mutex_);
  const auto there = [this](farm::EngineId engine) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto& members = all_.members_;
    return answers_.contains(engine) ||
           std::find(members.begin(), members.end(), engine) == members.end();
  };
  const auto complete = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return all_.given_up_ || std::all_of(engines.begin(), engines.end(), there);
  };
  all_.mutex_.AwaitWithTimeout(absl::Condition(&complete), absl::FromChrono(limit));
  return answers_;
}

std::unique_ptr<Confirmations::Waiter> Confirmations::Expect(Subject subject) {
  auto waiter = std::unique_ptr<Waiter>(new Waiter(*this, subject));
  absl::MutexLock lock(&mutex_);
  waiters_.emplace(std::move(subject), waiter.get());
  return waiter;
}

void Confirmations::Pause(Duration time) {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&given_up_), absl::FromChrono(time));
}

void Confirmations::GiveUp() {
  absl::MutexLock lock(&mutex_);
  given_up_ = true;
}

void Confirmations::OnMessage(const farm::Message& message) {
  if (const auto* purge = std::get_if<farm::PurgeApplied>(&message)) {
    Take({Kind::kPurge, purge->site, purge->position}, purge->engine,
         {.dropped = purge->dropped, .digest = {}, .problem = purge->problem});
  } else if (const auto* site = std::get_if<farm::SiteTaken>(&message)) {
    Take({Kind::kSite, site->site, site->version}, site->engine,
         {.dropped = 0, .digest = {}, .problem = site->problem});
  } else if (const auto* digest = std::get_if<farm::DigestTold>(&message)) {
    Take({Kind::kDigest, "", digest->number}, digest->engine,
         {.dropped = 0, .digest = digest->digest, .problem = ""});
  }
}

void Confirmations::OnView(std::vector<farm::EngineId> members) {
  absl::MutexLock lock(&mutex_);
  members_ = std::move(members);
}

void Confirmations::Take(const Subject& subject, farm::EngineId engine, Answer answer) {
  absl::MutexLock lock(&mutex_);
  const auto [first, last] = waiters_.equal_range(subject);
  for (auto it = first; it != last; ++it) it->second->answers_[engine] = answer;
}

}  // namespace strata::manager::control

#include "service_manager/locating/locator.h"

#include <algorithm>
#include <variant>

#include "absl/time/time.h"
#include "common/check.h"
#include "common/log.h"
#include "common/tls/identity.h"
#include "multicast/driver/clock.h"
#include "service_manager/locating/limits.h"

namespace strata::manager::locating {
namespace {

using federation::AskAction;
using federation::AskNumber;
using federation::LocalCopies;
using federation::LocateAction;
using federation::LocateAnswer;
using federation::LocateDesk;
using federation::LocateQuestion;
using federation::Neighbour;
using federation::NeighbourId;
using federation::QuestionId;
using federation::ScopeLevel;
using multicast::Now;

const Logger& Log() {
  static const Logger logger("locating");
  return logger;
}

Status Ended() { return Unavailable("this manager ends"); }

// HOST:PORT, and nothing that gRPC would take for another way to a manager, such as a file.
Status CheckManagers(const ScopeLevel& who, const std::vector<std::string>& managers) {
  if (managers.size() > kManagersPerNeighbourMax) {
    return InvalidArgument("%s: %zu managers are more than %zu", who.scope.c_str(), managers.size(),
                           kManagersPerNeighbourMax);
  }
  for (const std::string& address : managers) {
    const size_t colon = address.rfind(':');
    if (colon != std::string::npos && colon > 0 && colon + 1 < address.size() &&
        address.size() <= kAddressBytesMax && address.find('/') == std::string::npos &&
        std::all_of(address.begin() + static_cast<ptrdiff_t>(colon) + 1, address.end(),
                    [](char c) { return c >= '0' && c <= '9'; })) {
      continue;
    }
    return InvalidArgument("%s: a manager's address is not HOST:PORT", who.scope.c_str());
  }
  return Ok();
}

}  // namespace

Locator::Locator(Options options, std::shared_ptr<const tls::TlsStore> tls, MetricRegistry& metrics)
    : options_(std::move(options)),
      tls_(std::move(tls)),
      metrics_(metrics),
      desk_(options_.own.scope, options_.desk,
            [this](const farm::ContentKey& key, std::string_view uri) { return Look(key, uri); }),
      purges_(kPurgesRememberedMax) {
  STRATA_CHECK(federation::CheckScopeLevel(options_.own).ok());
  timer_ = std::thread([this] { RunTimer(); });
}

Locator::~Locator() { Stop(); }

void Locator::Stop() {
  std::vector<std::shared_ptr<NeighbourClient>> clients;
  absl::flat_hash_map<QuestionId, Waiting> left;
  {
    absl::MutexLock lock(&mutex_);
    if (stop_) return;
    stop_ = true;
    wake_.Signal();
    if (parent_) clients.push_back(parent_->client);
    for (const auto& [_, child] : children_) clients.push_back(child.client);
    left.swap(waiting_);
  }
  timer_.join();
  for (const auto& client : clients) client->Stop();
  for (auto& [_, waiting] : left) waiting.done(Ended());
}

// ---- The desk.

LocalCopies Locator::Look(const farm::ContentKey& key, std::string_view uri) {
  mutex_.AssertHeld();  // The desk calls it.
  LocalCopies local = options_.directory(key);
  const std::string site = options_.site_of(uri);
  local.purges = purges_.Of(site, key);
  std::erase_if(local.copies, [&](const federation::LocatedCopy& copy) {
    return options_.missed(site, copy.holder.scope);
  });
  return local;
}

void Locator::Apply(Use use) {
  Work work;
  {
    absl::MutexLock lock(&mutex_);
    if (stop_) return;
    use(desk_, Now());
    work = TakeWork();
  }
  Execute(std::move(work));
}

Locator::Work Locator::TakeWork() {
  Work work;
  for (LocateAction& action : desk_.TakeActions()) {
    if (auto* ask = std::get_if<AskAction>(&action)) {
      // Its neighbour may have been removed by what came behind.
      if (auto client = ClientOf(ask->to)) {
        work.asks.emplace_back(std::move(client), std::move(*ask));
      }
      continue;
    }
    auto& answer = std::get<federation::AnswerAction>(action);
    const auto waits = waiting_.find(answer.question);
    if (waits == waiting_.end()) continue;
    work.answers.emplace_back(std::move(waits->second.done), std::move(answer.answer));
    waiting_.erase(waits);
  }
  metrics_.Show(desk_.counters(), desk_.open_questions());
  if (desk_.NextDeadline() < sleeps_until_) wake_.Signal();
  return work;
}

void Locator::Execute(Work work) {
  for (auto& [done, answer] : work.answers) done(std::move(answer));
  for (auto& [client, ask] : work.asks) {
    client->Ask(ask.question,
                [this, to = ask.to, number = ask.number](StatusOr<LocateAnswer> answer) {
                  Answer(to, number, std::move(answer));
                });
  }
}

void Locator::Answer(NeighbourId from, AskNumber number, StatusOr<LocateAnswer> answer) {
  Apply([&](LocateDesk& desk, Timestamp now) {
    desk.OnAnswer(from, number, std::move(answer), now);
  });
}

void Locator::RunTimer() {
  while (true) {
    Work work;
    {
      absl::MutexLock lock(&mutex_);
      if (stop_) return;
      const Timestamp now = Now();
      sleeps_until_ = desk_.NextDeadline();
      if (sleeps_until_ > now) {
        wake_.WaitWithTimeout(&mutex_, sleeps_until_ == Timestamp::Never()
                                           ? absl::InfiniteDuration()
                                           : absl::FromChrono(sleeps_until_ - now));
        continue;
      }
      desk_.OnTimer(now);
      work = TakeWork();
    }
    Execute(std::move(work));
  }
}

// ---- Neighbours.

Status Locator::SetParent(const ScopeLevel& parent, const std::vector<std::string>& managers) {
  STRATA_RETURN_IF_ERROR(federation::CheckLink(parent, options_.own));
  return SetPeer(parent, managers, true);
}

Status Locator::SetChild(const ScopeLevel& child, const std::vector<std::string>& managers) {
  std::vector<std::string> others;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [scope, _] : children_) others.push_back(scope);
  }
  STRATA_RETURN_IF_ERROR(federation::CheckChild(options_.own, child, others));
  return SetPeer(child, managers, false);
}

Status Locator::SetPeer(const ScopeLevel& who, const std::vector<std::string>& managers,
                        bool parent) {
  STRATA_RETURN_IF_ERROR(CheckManagers(who, managers));
  {
    absl::MutexLock lock(&mutex_);
    if (stop_) return Ended();
    const auto child = children_.find(who.scope);
    const Peer* known = parent                     ? (parent_ ? &*parent_ : nullptr)
                        : child != children_.end() ? &child->second
                                                   : nullptr;
    if (known != nullptr && known->who == who) {
      known->client->SetManagers(managers);
      return Ok();
    }
  }
  RemovePeer(who.scope, parent);  // The one before was another.
  Peer peer{
      .id = {}, .who = who, .client = std::make_shared<NeighbourClient>(who.scope, tls_, metrics_)};
  peer.client->SetManagers(managers);
  Apply([&](LocateDesk& desk, Timestamp now) {
    mutex_.AssertHeld();
    peer.id = NeighbourId(++last_neighbour_);
    const Neighbour neighbour{peer.id, who.scope};
    if (parent) {
      desk.OnParent(neighbour, now);
      parent_ = std::move(peer);
    } else {
      desk.OnChild(neighbour, now);
      children_.insert_or_assign(who.scope, std::move(peer));
    }
  });
  Log().Info(
      "a neighbour can be asked",
      {{"scope", who.scope}, {"as", parent ? "parent" : "child"}, {"managers", managers.size()}});
  return Ok();
}

void Locator::RemoveParent() { RemovePeer("its parent", true); }
void Locator::RemoveChild(const std::string& scope) { RemovePeer(scope, false); }

void Locator::RemovePeer(const std::string& scope, bool parent) {
  std::shared_ptr<NeighbourClient> client;
  std::vector<Done> asked;
  Apply([&](LocateDesk& desk, Timestamp now) {
    mutex_.AssertHeld();
    const auto child = children_.find(scope);
    if (parent ? !parent_ : child == children_.end()) return;
    Peer gone = parent ? *std::exchange(parent_, std::nullopt) : child->second;
    if (!parent) children_.erase(child);
    desk.OnDisconnected(gone.id, now);
    asked = TakeWaiting(gone.id);
    client = std::move(gone.client);
  });
  for (const Done& done : asked) {
    done(Unavailable("%s has no link with %s any more", options_.own.scope.c_str(), scope.c_str()));
  }
  if (client != nullptr) client->Stop();
}

std::vector<Locator::Done> Locator::TakeWaiting(NeighbourId from) {
  std::vector<Done> taken;
  absl::erase_if(waiting_, [&](auto& entry) {
    if (entry.second.from != from) return false;
    taken.push_back(std::move(entry.second.done));
    return true;
  });
  return taken;
}

std::shared_ptr<NeighbourClient> Locator::ClientOf(NeighbourId id) {
  if (parent_ && parent_->id == id) return parent_->client;
  for (const auto& [_, child] : children_) {
    if (child.id == id) return child.client;
  }
  return nullptr;
}

// ---- Questions.

QuestionId Locator::Open(NeighbourId from, LocateQuestion question, Done done, Work& work) {
  const QuestionId id(++last_question_);
  waiting_.emplace(id, Waiting{from, std::move(done)});
  desk_.OnQuestion(id, from, std::move(question), Now());
  work = TakeWork();
  return id;
}

QuestionId Locator::Locate(LocateQuestion question, Done done) {
  Work work;
  QuestionId id;
  {
    absl::MutexLock lock(&mutex_);
    if (!stop_) id = Open(NeighbourId(), std::move(question), std::move(done), work);
  }
  if (id == QuestionId()) {
    done(Ended());
  } else {
    Execute(std::move(work));
  }
  return id;
}

StatusOr<QuestionId> Locator::LocateFor(const std::string& scope, LocateQuestion question,
                                        Done done) {
  Work work;
  QuestionId id;
  {
    absl::MutexLock lock(&mutex_);
    if (stop_) return Ended();
    const auto child = children_.find(scope);
    const bool is_parent = parent_ && parent_->who.scope == scope;
    if (!is_parent && child == children_.end()) {
      const bool may_be = options_.own.level == federation::kLevelMax ||
                          tls::ScopeCovers(options_.own.scope, scope) ||
                          (options_.desk.has_parent && !parent_);
      if (may_be) {
        return Unavailable("%s has no link with %s at the moment", options_.own.scope.c_str(),
                           scope.c_str());
      }
      return PermissionDenied("%s is neither a child nor the parent of %s", scope.c_str(),
                              options_.own.scope.c_str());
    }
    id = Open(is_parent ? parent_->id : child->second.id, std::move(question), std::move(done),
              work);
  }
  Execute(std::move(work));
  return id;
}

bool Locator::Forget(QuestionId id) {
  Done forgotten;
  {
    absl::MutexLock lock(&mutex_);
    const auto waits = waiting_.find(id);
    if (waits == waiting_.end()) return false;
    forgotten = std::move(waits->second.done);
    waiting_.erase(waits);
    desk_.OnAskerGone(id);
    metrics_.Show(desk_.counters(), desk_.open_questions());
  }
  return true;
}

// ---- Purges.

void Locator::RestorePurges(std::string_view site, uint64_t position) {
  absl::MutexLock lock(&mutex_);
  purges_.Restore(site, position);
}

void Locator::OnPurge(std::string_view site, uint64_t position,
                      std::span<const farm::ContentKey> keys) {
  Apply([&](LocateDesk& desk, Timestamp now) {
    mutex_.AssertHeld();
    purges_.OnPurged(site, position, keys);
    if (keys.empty()) {
      desk.OnPurgeOfAll(now);
    } else {
      desk.OnPurge(keys, now);
    }
  });
}

void Locator::RemoveSite(std::string_view site) {
  absl::MutexLock lock(&mutex_);
  purges_.Remove(site);
}

federation::LocateCounters Locator::counters() const {
  absl::MutexLock lock(&mutex_);
  return desk_.counters();
}

size_t Locator::open_questions() const {
  absl::MutexLock lock(&mutex_);
  return desk_.open_questions();
}

}  // namespace strata::manager::locating

#include "service_manager/uplink/uplink.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/log.h"
#include "multicast/driver/clock.h"
#include "service_manager/uplink/inbox.h"
#include "service_manager/uplink/teller.h"

namespace strata::manager::uplink {
namespace {

using multicast::Now;

constexpr Duration kLookEvery = std::chrono::milliseconds(10);

const Logger& Log() {
  static const Logger logger("uplink");
  return logger;
}

// With the own scope among those that are known.
HolderNames::NameOf NamesWithOwn(const Uplink::Options& options) {
  return [name_of = options.name_of, scope = options.own.scope](
             directory::Holder holder) -> std::optional<federation::Introduction> {
    if (holder != kOwnScope) return name_of(holder);
    return federation::Introduction{.holder = kOwnScope, .name = {scope, ""}};
  };
}

Teller::Options TellerOptions(const Uplink::Options& options) {
  return {.own_scope = kOwnScope,
          .name_of = NamesWithOwn(options),
          .policy = options.policy,
          .uris_come_later = options.own.level == 1,
          .limits = options.limits};
}

}  // namespace

// The thread, and what others see of it.
class Uplink::Inside {
 public:
  Inside(Options options, store::Store& store, directory::LocationReader reader,
         std::shared_ptr<const tls::TlsStore> tls)
      : options_(std::move(options)),
        tls_(std::move(tls)),
        inbox_(store, std::move(reader), options_.limits, *options_.policy),
        teller_(TellerOptions(options_), store, inbox_) {
    options_.observe(&inbox_);
    thread_ = std::thread([this] { Run(); });
  }
  ~Inside() { Stop(); }

  void Stop() {
    if (!thread_.joinable()) return;
    options_.observe(nullptr);
    inbox_.Stop();
    thread_.join();
    if (link_ != nullptr) link_->Stop();
  }

  Inbox& inbox() { return inbox_; }

  State state() const {
    // In this order: what waits no more was told to the link before.
    const size_t waiting = inbox_.waiting();
    const bool has_policy = inbox_.has_policy();
    absl::MutexLock lock(&mutex_);
    State state = state_;
    state.waiting = waiting + state.waiting_for_uri;
    state.walking = state.walking || has_policy;
    if (link_ != nullptr) state.link = link_->state();
    return state;
  }
  bool Await(const std::function<bool(const State&)>& condition, Duration limit) const {
    const Timestamp end = Now() + limit;
    while (!condition(state())) {
      if (Now() >= end) return false;
      absl::MutexLock lock(&mutex_);
      const bool never = false;
      mutex_.AwaitWithTimeout(absl::Condition(&never), absl::FromChrono(kLookEvery));
    }
    return true;
  }

 private:
  void Run() {
    if (!inbox_.AwaitStored() || !Begin()) return;
    while (true) {
      Inbox::News news = inbox_.Await(NextDue());
      Take(news);
      if (news.stop) return;
      if (walk_at_ <= Now() && teller_.walks()) Walk();
      Publish();
    }
  }

  // False: it is to stop.
  bool Begin() {
    while (true) {
      auto digests = teller_.ReadAll();
      if (digests.ok()) {
        StartLink(**digests);
        return true;
      }
      if (!NoteTrouble(digests.status()) || !inbox_.Pause(kReadAgainAfter)) return false;
    }
  }
  void StartLink(const federation::RangeDigests& digests) {
    federation::FeedSenderOptions feed = options_.feed;
    feed.batch_delay = options_.policy->policy().batching_delay;
    link::ParentLink::Options options{
        .own = options_.own,
        .parents = options_.parents,
        .read = [this](const federation::FeedRead& read,
                       link::ParentLink::Found found) { return inbox_.Read(read, found); },
        .to_backup = options_.to_backup,
        .compress = options_.compress};
    auto link = std::make_unique<link::ParentLink>(std::move(options), feed, digests, tls_);
    teller_.SetLink(*link);
    inbox_.Begun();
    link->Start();
    absl::MutexLock lock(&mutex_);
    link_ = std::move(link);
    state_.begun = true;
    state_.trouble = Ok();
  }
  // The store could not be read. False: it is to stop.
  bool NoteTrouble(const Status& trouble) {
    if (inbox_.stopped()) return false;
    Log().Error("the directory cannot be read for the parent", {{"why", MessageOf(trouble)}});
    absl::MutexLock lock(&mutex_);
    state_.trouble = trouble;
    return true;
  }

  Timestamp NextDue() const {
    return std::min(teller_.next_due(), teller_.walks() ? walk_at_ : Timestamp::Never());
  }

  void Take(Inbox::News& news) {
    if (news.group) teller_.Tell(*std::move(news.group), Now());
    if (teller_.next_due() <= Now()) teller_.TellDue(Now());
    if (news.policy != nullptr) teller_.Replace(std::move(news.policy));
    for (const directory::Holder holder : news.holders) teller_.OnHolder(holder);
    if (news.read != nullptr) inbox_.EndRead(teller_.Read(news.read->read, news.read->found));
  }

  void Walk() {
    walk_at_ = Now() + options_.limits.walk_pause;
    // What finds no room in the queue is told with all of its range: better later.
    const link::ParentLink::State link = link_->state();
    if (link.connected && link.kept_records > options_.feed.kept_records_max / 2) return;
    const Status walked = teller_.Walk();
    if (walked.ok()) return;
    NoteTrouble(walked);
    walk_at_ = Now() + kReadAgainAfter;
  }

  void Publish() {
    const Teller::Counts& counts = teller_.counts();
    absl::MutexLock lock(&mutex_);
    state_.waiting_for_uri = teller_.waiting_for_uri();
    state_.walking = teller_.walks();
    state_.unnamed = teller_.unnamed();
    state_.told = counts.told;
    state_.told_without_uri = counts.told_without_uri;
    state_.refreshed = counts.refreshed;
  }

  const Options options_;
  const std::shared_ptr<const tls::TlsStore> tls_;
  Inbox inbox_;

  // The thread's own.
  Teller teller_;
  Timestamp walk_at_;

  mutable absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<link::ParentLink> link_;  // Set once, under mutex_.
  std::thread thread_;
};

StatusOr<std::unique_ptr<Uplink>> Uplink::Start(Options options, store::Store& store,
                                                directory::LocationIndex& index,
                                                std::shared_ptr<const tls::TlsStore> tls) {
  STRATA_RETURN_IF_ERROR(federation::FeedSenderOptions::Check(options.feed));
  STRATA_ASSIGN_OR_RETURN(auto reader, directory::LocationReader::Register(index));
  auto inside =
      std::make_unique<Inside>(std::move(options), store, std::move(reader), std::move(tls));
  return std::unique_ptr<Uplink>(new Uplink(std::move(inside)));
}

Uplink::Uplink(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Uplink::~Uplink() = default;

void Uplink::Stop() { inside_->Stop(); }
void Uplink::OnSynced() { inside_->inbox().OnSynced(); }
void Uplink::OnHolder(directory::Holder holder) { inside_->inbox().OnHolder(holder); }
void Uplink::SetPolicy(std::shared_ptr<const federation::ForwardingMatcher> policy) {
  inside_->inbox().SetPolicy(std::move(policy));
}
Uplink::State Uplink::state() const { return inside_->state(); }
bool Uplink::Await(const std::function<bool(const State&)>& condition, Duration limit) const {
  return inside_->Await(condition, limit);
}

}  // namespace strata::manager::uplink

#include "tests/simulation/federation/parent_link.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace strata::simulation::federation {

namespace feed = manager::federation;
using std::chrono::milliseconds;

namespace {

constexpr size_t kWalkContents = 1;  // Of one step.
constexpr Duration kWalkEach = milliseconds(10);
constexpr size_t kBatchesOfATurn = 8;
constexpr Duration kCutNotice = milliseconds(50);

feed::FeedSenderOptions OptionsOf(const LinkPlan& link, uint64_t epoch) {
  feed::FeedSenderOptions options;
  options.epoch = epoch;
  options.kept_records_max = link.queue_records;
  options.batch_records = link.batch_records;
  options.batch_delay = link.batch_delay;
  options.read_items = link.read_items;
  options.check_cycle = link.check_cycle;
  return options;
}

std::shared_ptr<const feed::ForwardingMatcher> MatcherOf(const PolicyPlan& policy) {
  return std::make_shared<feed::ForwardingMatcher>(
      ToForwardingPolicy(policy), [](const std::string& site) { return HostOf(site); });
}

}  // namespace

ParentLink::ParentLink(Wiring& wiring, size_t scope, uint64_t epoch, ManagerDirectory& directory,
                       FindParent find_parent)
    : wiring_(wiring),
      scope_(scope),
      epoch_(epoch),
      directory_(directory),
      find_parent_(std::move(find_parent)),
      walk_(MatcherOf(wiring.truth.policy(scope)), directory.own_scope()),
      sender_(OptionsOf(wiring.plan.link, epoch), DigestsToTell()) {}

void ParentLink::Stop() {
  stopped_ = true;
  if (stream_ != nullptr) stream_->Close(Stream::Direction::kUp, kCutNotice);
  stream_.reset();
}

// ---- What there is to tell.

feed::Projection ParentLink::ProjectionOf(const farm::ContentKey& key,
                                          const std::string& uri) const {
  return feed::ProjectionOf(directory_.CopiesOf(key), walk_.TreatmentOf(key, uri),
                            directory_.own_scope());
}

feed::RangeDigests ParentLink::DigestsToTell() const {
  feed::RangeDigests digests;
  for (const auto& [key, row] : directory_.store().state().contents) {
    for (const Location& copy : ProjectionOf(key, row.uri)) {
      digests.Add(key, feed::IdentityOf(directory_.NameOf(copy.holder)), copy.flags);
    }
  }
  return digests;
}

void ParentLink::OnCopyChange(const farm::ContentKey& key, const CopyChange& change) {
  const std::string uri = directory_.UriOf(key);
  const auto changes = feed::ProjectedChangeOf(change, directory_.CopiesOf(key),
                                               walk_.TreatmentOf(key, uri), directory_.own_scope());
  for (const CopyChange& one : changes) {
    waiting_.push_back({.commit = directory_.next_commit(), .key = key, .change = one, .uri = uri});
  }
}

void ParentLink::OnDurable() {
  if (stopped_) return;
  while (!waiting_.empty() && waiting_.front().commit <= directory_.store().synced()) {
    Tell(waiting_.front());
    waiting_.pop_front();
  }
  GiveRead();
  Pump();
}

void ParentLink::Tell(const Waiting& waiting) {
  const CopyChange& change = waiting.change;
  Introduce(change.holder);
  feed::FeedChange told{.key = waiting.key, .holder = change.holder, .copy = {}, .uri = {}};
  if (change.after) {
    told.copy = feed::FeedCopy{.flags = *change.after,
                               .size_bytes = wiring_.truth.content(waiting.key).size};
    told.uri = waiting.uri;
  }
  const bool reading = read_ && read_->read.first <= waiting.key && waiting.key <= read_->read.last;
  if (reading) wiring_.events.Count(Event::kChangeDuringRead);
  sender_.Tell(told, change.before, wiring_.queue.now());
}

void ParentLink::Introduce(Holder holder) {
  if (!introduced_.insert(holder).second) return;
  const Status status =
      sender_.SetHolder({.holder = holder, .name = directory_.NameOf(holder), .clients = {}});
  wiring_.ExpectOk("sender", status);
}

// ---- Policies.

void ParentLink::SetPolicy(const PolicyPlan& policy) {
  if (walk_.under_way()) wiring_.events.Count(Event::kPolicyDuringWalk);
  walk_.Replace(MatcherOf(policy));
  WalkLater();
}

void ParentLink::WalkLater() {
  if (walking_ || !walk_.under_way()) return;
  walking_ = true;
  wiring_.queue.After(kWalkEach, [this] { Walk(); });
}

void ParentLink::Walk() {
  walking_ = false;
  if (stopped_) return;
  const auto read = [this](const farm::ContentKey& from, size_t contents_max,
                           feed::PolicyWalk::Visitor visit) -> StatusOr<bool> {
    const auto& contents = directory_.store().state().contents;
    auto at = contents.lower_bound(from);
    for (size_t i = 0; i < contents_max && at != contents.end(); ++i, ++at) {
      visit({.key = at->first,
             .canonical_uri = at->second.uri,
             .copies = directory_.CopiesOf(at->first)});
    }
    return at != contents.end();
  };
  const auto tell = [this](const feed::WalkedContent& content,
                           std::span<const CopyChange> changes) {
    for (const CopyChange& one : changes) {
      waiting_.push_back({.commit = directory_.store().written(),
                          .key = content.key,
                          .change = one,
                          .uri = std::string(content.canonical_uri)});
    }
  };
  const Status status = walk_.Step(kWalkContents, read, tell);
  wiring_.ExpectOk("walk", status);
  OnDurable();
  WalkLater();
}

// ---- The link.

void ParentLink::ConnectLater() {
  const Duration wait = wiring_.random.Between(milliseconds(1), wiring_.plan.link.reconnect_max);
  wiring_.queue.At(std::max(wiring_.queue.now() + wait, away_until_), [this] { Connect(); });
}

void ParentLink::Connect() {
  if (stopped_ || stream_ != nullptr) return;
  parent_ = wiring_.queue.now() < away_until_ ? nullptr : find_parent_();
  if (parent_ == nullptr) {
    ConnectLater();
    return;
  }
  stream_ = std::make_shared<Stream>(wiring_.queue, wiring_.random, wiring_.plan.link.delay_max);
  const Stream* mine = stream_.get();
  stream_->OnCut(Stream::Direction::kUp, [this, mine] {
    if (stream_.get() == mine) Lost();
  });
  stream_->Send(Stream::Direction::kUp,
                [this, parent = parent_, stream = stream_, greeting = sender_.greeting()] {
                  parent->Greeted(*this, stream, greeting);
                });
}

void ParentLink::Lost() {
  if (stopped_) return;
  wiring_.trace.Line(wiring_.queue.now(), 0, "%s lost its stream", wiring_.scope(scope_).c_str());
  if (sender_.connected()) sender_.Disconnected();
  stream_.reset();
  ConnectLater();
}

void ParentLink::Welcomed(const Stream* stream, const feed::FeedWelcome& welcome) {
  if (stopped_ || stream_.get() != stream) return;
  const uint64_t anew_before = sender_.counts().begun_anew;
  // Digests that were not answered are sent again, if there is room.
  const bool near_full = sender_.kept_records() * 2 >= wiring_.plan.link.queue_records;
  const Status status = sender_.Connected(welcome, wiring_.queue.now());
  const bool anew = sender_.counts().begun_anew > anew_before;
  wiring_.trace.Line(wiring_.queue.now(), 0, "%s epoch %llu: parent is at %llu.%llu, %s",
                     wiring_.scope(scope_).c_str(), static_cast<unsigned long long>(epoch_),
                     static_cast<unsigned long long>(welcome.position.epoch),
                     static_cast<unsigned long long>(welcome.position.sequence),
                     !status.ok() ? MessageOf(status).c_str()
                     : anew       ? "begins anew"
                                  : "goes on");
  if (!status.ok()) {
    stream_->Close(Stream::Direction::kUp, kCutNotice);
    Lost();
    return;
  }
  Judge(welcome.position, anew, near_full);
  parents_store_ = parent_->parents_store();
  if (anew && wiring_.random.Chance(wiring_.plan.link.cut_anew)) CutSoon();
  Pump();
}

// While digests are on their way, or what was found to differ.
void ParentLink::CutSoon() {
  wiring_.events.Count(Event::kCutAnew);
  const Duration soon = wiring_.plan.link.delay_max * 2;
  wiring_.queue.After(wiring_.random.Between(Duration::zero(), soon),
                      [stream = stream_] { stream->Cut(kCutNotice); });
}

// A store has what it acknowledged, and the child has the rest.
void ParentLink::Judge(const feed::FeedPosition& position, bool anew, bool near_full) {
  const bool same_store = parents_store_ == parent_->parents_store();
  const bool has_all = position.epoch == epoch_ && position.sequence >= acknowledged_.value_or(0);
  const std::string who = wiring_.scope(scope_) + " in epoch " + std::to_string(epoch_);
  if (same_store && acknowledged_ && !has_all) {
    wiring_.Fail("acknowledged", who + ": the parent acknowledged " +
                                     std::to_string(*acknowledged_) + " and is at " +
                                     std::to_string(position.epoch) + "." +
                                     std::to_string(position.sequence));
  }
  if (same_store && acknowledged_ && anew && !near_full) {
    wiring_.Fail("resume", who + " began anew within its limits, with " +
                               std::to_string(sender_.kept_records()) + " records kept");
  }
  if (!same_store && acknowledged_ && !has_all) wiring_.events.Count(Event::kLaggingParent);
  wiring_.events.OnStream(scope_, epoch_, parent_->parents_store());
  if (!same_store || anew) acknowledged_.reset();
  if (anew) anew_behind_ = sender_.sent();
}

void ParentLink::Acknowledged(const Stream* stream,
                              const feed::FeedAcknowledgement& acknowledgement) {
  if (stopped_ || stream_.get() != stream) return;
  const Status status = sender_.OnAcknowledgement(acknowledgement);
  wiring_.ExpectOk("sender", status);
  if (acknowledgement.sequence > anew_behind_) acknowledged_ = acknowledgement.sequence;
  Pump();
}

void ParentLink::Compared(const Stream* stream, const feed::FeedComparison& comparison) {
  if (stopped_ || stream_.get() != stream) return;
  wiring_.trace.Line(wiring_.queue.now(), 0, "%s: %zu ranges differ at %llu",
                     wiring_.scope(scope_).c_str(), comparison.differing.size(),
                     static_cast<unsigned long long>(comparison.sequence));
  const Status status = sender_.OnComparison(comparison);
  wiring_.ExpectOk("sender", status);
  Pump();
}

void ParentLink::Cut(Duration notice_max) {
  if (stream_ != nullptr) stream_->Cut(notice_max);
}

void ParentLink::Stall(Duration time) {
  if (stream_ != nullptr) stream_->Stall(time);
}

// ---- What the sender asks for.

void ParentLink::Pump() {
  if (stopped_) return;
  const Timestamp now = wiring_.queue.now();
  DoRead();
  Bytes batch;
  size_t batches = 0;
  while (stream_ != nullptr && sender_.connected() && batches < kBatchesOfATurn &&
         sender_.NextBatch(now, batch)) {
    stream_->Send(Stream::Direction::kUp,
                  [parent = parent_, stream = stream_, sent = std::exchange(batch, {})] {
                    parent->Arrived(stream, sent);
                  });
    ++batches;
  }
  DoRead();
  PumpAt(batches == kBatchesOfATurn ? now : sender_.next_wakeup(now));
}

void ParentLink::PumpAt(Timestamp when) {
  when = std::max(when, wiring_.queue.now());
  if (when >= pump_at_) return;
  pump_at_ = when;
  wiring_.queue.At(when, [this, when] {
    if (pump_at_ != when) return;
    pump_at_ = Timestamp::Never();
    Pump();
  });
}

// Reads what is there now; a disk gives it a while later.
void ParentLink::DoRead() {
  const auto wanted = sender_.NextRead(wiring_.queue.now());
  if (!wanted || (read_ && read_->read.number == wanted->number)) return;
  read_ = Read{.commit = directory_.store().written(),
               .read = *wanted,
               .last = wanted->last,
               .items = {},
               .arrived = false};
  const auto& contents = directory_.store().state().contents;
  for (auto at = contents.lower_bound(wanted->first);
       at != contents.end() && at->first <= wanted->last; ++at) {
    for (const Location& copy : ProjectionOf(at->first, at->second.uri)) {
      read_->items.push_back({at->first, copy, at->second.uri});
    }
    if (read_->items.size() >= wanted->items) {
      read_->last = at->first;
      break;
    }
  }
  wiring_.queue.After(wiring_.random.Between(Duration::zero(), wiring_.plan.link.read_max),
                      [this, number = wanted->number] {
                        if (stopped_ || !read_ || read_->read.number != number) return;
                        read_->arrived = true;
                        GiveRead();
                        Pump();
                      });
}

// Once the changes that it has seen are told.
void ParentLink::GiveRead() {
  if (!read_ || !read_->arrived || directory_.store().synced() < read_->commit) return;
  std::vector<feed::FeedItem> items;
  for (const Read::Item& item : read_->items) {
    const bool first = items.empty() || items.back().key != item.key;
    Introduce(item.copy.holder);
    items.push_back(
        {.key = item.key,
         .holder = item.copy.holder,
         .copy = {.flags = item.copy.flags, .size_bytes = wiring_.truth.content(item.key).size},
         .uri = first ? std::string_view(item.uri) : std::string_view()});
  }
  const Read read = *std::exchange(read_, std::nullopt);
  sender_.TakeRead(read.read, {.last = read.last, .items = items}, wiring_.queue.now());
}

bool ParentLink::Settled() const {
  return waiting_.empty() && !walk_.under_way() && sender_.connected() &&
         sender_.dirty_ranges() == 0;
}

std::string ParentLink::Describe() const {
  return std::string(sender_.connected() ? "is connected" : "has no stream") + ", keeps " +
         std::to_string(sender_.kept_records()) + " records, " +
         std::to_string(sender_.dirty_ranges()) + " ranges are dirty, " +
         std::to_string(waiting_.size()) + " changes wait, " + (read_ ? "reads, " : "") +
         (walk_.under_way() ? "walks, " : "") + "acknowledged " +
         std::to_string(sender_.acknowledged()) + " of " + std::to_string(sender_.sent());
}

void ParentLink::CountEvents() {
  const feed::FeedSenderCounts& counts = sender_.counts();
  if (counts.resumed > 0) wiring_.events.Count(Event::kResumed);
  if (counts.begun_anew > 0) wiring_.events.Count(Event::kBegunAnew);
  if (counts.overflows > 0) wiring_.events.Count(Event::kOverflow);
  if (counts.suppressed > 0) wiring_.events.Count(Event::kSuppressed);
  if (counts.differing > 0) wiring_.events.Count(Event::kDiffering);
}

}  // namespace strata::simulation::federation

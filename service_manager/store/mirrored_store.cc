#include "service_manager/store/mirrored_store.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/time/time.h"
#include "common/bytes.h"
#include "service_manager/store/limits.h"

namespace strata::manager::store {
namespace {

constexpr char kTable[] = "mirror";
constexpr char kPosition[] = "position";

std::string RecordOf(const MirrorPosition& position) {
  std::array<uint8_t, 16> bytes;
  ByteWriter writer(bytes);
  writer.U64(position.term);
  writer.U64(position.number);
  return std::string(AsText(bytes));
}

bool ReadRecord(std::string_view record, MirrorPosition& position) {
  ByteReader reader(AsBytes(record));
  position.term = reader.U64();
  position.number = reader.U64();
  return reader.AtEnd();
}

size_t BytesOf(const IntentBatch& batch) {
  size_t bytes = sizeof(MirroredStore::Entry);
  for (const auto& put : batch.puts) bytes += put.key.size() + put.value.size() + sizeof(put);
  for (const auto& gone : batch.deletes) bytes += gone.key.size() + sizeof(gone);
  for (const auto& append : batch.appends) bytes += append.record.size() + sizeof(append);
  return bytes + batch.trims.size() * sizeof(IntentBatch::Trim);
}

}  // namespace

std::string ToString(const MirrorPosition& position) {
  return std::to_string(position.term) + "." + std::to_string(position.number);
}

StatusOr<std::unique_ptr<MirroredStore>> MirroredStore::Open(Store& own, Duration wait) {
  auto store = std::unique_ptr<MirroredStore>(new MirroredStore(own, wait));
  absl::MutexLock order(&store->order_);
  STRATA_RETURN_IF_ERROR(store->LoadPosition());
  return store;
}

MirroredStore::~MirroredStore() = default;

Status MirroredStore::LoadPosition() {
  STRATA_ASSIGN_OR_RETURN(const std::optional<std::string> text, own_.Get(kTable, kPosition));
  MirrorPosition position;
  const std::string record = text.value_or("");
  if (!record.empty() && !ReadRecord(record, position)) {
    return DataLoss("the store's record of its position cannot be read");
  }
  absl::MutexLock lock(&mutex_);
  position_ = position;
  return Ok();
}

MirrorPosition MirroredStore::position() const {
  absl::MutexLock lock(&mutex_);
  return position_;
}

bool MirroredStore::leads() const {
  absl::MutexLock lock(&mutex_);
  return leads_;
}

Status MirroredStore::Lead(uint64_t term) {
  absl::MutexLock order(&order_);
  MirrorPosition next;
  {
    absl::MutexLock lock(&mutex_);
    if (leads_) return Ok();
    before_ = position_;
    next = {std::max(term, position_.term + 1), position_.number + 1};
  }
  STRATA_RETURN_IF_ERROR(Write({}, next));
  absl::MutexLock lock(&mutex_);
  leads_ = true;
  return Ok();
}

void MirroredStore::Follow() {
  absl::MutexLock lock(&mutex_);
  leads_ = false;
  ring_.clear();
  ring_bytes_ = 0;
}

void MirroredStore::Require(std::set<std::string> names, std::set<std::string> candidates) {
  absl::MutexLock lock(&mutex_);
  // A candidate that was told that it counts may become one who takes over at any moment.
  for (const std::string& name : candidates) {
    if (candidates_.contains(name) && required_.contains(name)) names.insert(name);
  }
  for (auto& [name, feed] : feeds_) {
    if (names.contains(name) && !required_.contains(name)) feed->counts_from_ = position_.number;
  }
  required_ = std::move(names);
  candidates_ = std::move(candidates);
}

void MirroredStore::GiveUp() {
  absl::MutexLock lock(&mutex_);
  given_up_ = true;
}

bool MirroredStore::TakeUnacknowledged() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(unacknowledged_, false);
}

// ---- Writing.

StatusOr<std::vector<uint64_t>> MirroredStore::Write(IntentBatch batch,
                                                     const MirrorPosition& position) {
  batch.puts.push_back({kTable, kPosition, RecordOf(position)});
  STRATA_ASSIGN_OR_RETURN(std::vector<uint64_t> positions, own_.Commit(batch));
  const size_t bytes = BytesOf(batch);
  absl::MutexLock lock(&mutex_);
  position_ = position;
  ring_.push_back({position, std::move(batch)});
  ring_bytes_ += bytes;
  while (ring_.size() > kMirrorRingMax || (ring_.size() > 1 && ring_bytes_ > kMirrorRingBytesMax)) {
    ring_bytes_ -= BytesOf(ring_.front().batch);
    ring_.pop_front();
  }
  return positions;
}

StatusOr<std::vector<uint64_t>> MirroredStore::Commit(const IntentBatch& batch) {
  uint64_t number = 0;
  std::vector<uint64_t> positions;
  {
    absl::MutexLock order(&order_);
    MirrorPosition next;
    {
      absl::MutexLock lock(&mutex_);
      if (!leads_) return Unavailable("this manager does not lead its farm");
      next = {position_.term, position_.number + 1};
    }
    STRATA_ASSIGN_OR_RETURN(positions, Write(batch, next));
    number = next.number;
  }
  absl::MutexLock lock(&mutex_);
  const auto done = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return given_up_ || !leads_ || AllHave(number);
  };
  mutex_.AwaitWithTimeout(absl::Condition(&done), absl::FromChrono(wait_));
  const std::vector<std::string> behind = Behind(number);
  if (leads_ && behind.empty()) return positions;
  unacknowledged_ = true;
  if (!leads_) return Unavailable("this manager does not lead its farm any longer");
  if (given_up_) return Unavailable("this manager ends: look at another one whether it was done");
  return Unavailable(
      "it is recorded here, but manager %s does not say that it has it too: look at that manager, "
      "or stop it, and try again",
      behind.front().c_str());
}

bool MirroredStore::AllHave(uint64_t number) const { return Behind(number).empty(); }

std::vector<std::string> MirroredStore::Behind(uint64_t number) const {
  std::vector<std::string> behind;
  for (const auto& [name, feed] : feeds_) {
    if (required_.contains(name) && feed->acknowledged_ < number) behind.push_back(name);
  }
  for (const std::string& name : required_) {
    if (!feeds_.contains(name)) behind.push_back(name);
  }
  return behind;
}

std::vector<std::string> MirroredStore::Behind() const {
  absl::MutexLock lock(&mutex_);
  return Behind(position_.number);
}

MirroredStore::Feed* MirroredStore::FindHeir(const std::string& name) const {
  const auto it = feeds_.find(name);
  const bool heir = leads_ && it != feeds_.end() && required_.contains(name);
  return heir ? it->second : nullptr;
}

bool MirroredStore::MayTakeOver(const std::string& name) const {
  absl::MutexLock lock(&mutex_);
  return FindHeir(name) != nullptr;
}

bool MirroredStore::OfferLead(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  Feed* feed = FindHeir(name);
  if (feed == nullptr) return false;
  if (!std::exchange(feed->offers_lead_, true)) feed->to_tell_ = true;
  return true;
}

// ---- Feeds.

StatusOr<std::unique_ptr<MirroredStore::Feed>> MirroredStore::Attach(const std::string& name,
                                                                     const MirrorPosition& from) {
  absl::MutexLock lock(&mutex_);
  if (!leads_) return FailedPrecondition("this manager does not lead its farm");
  if (from.term > position_.term) {
    return FailedPrecondition("manager %s knows a later leader than this one", name.c_str());
  }
  if (!feeds_.contains(name) && feeds_.size() >= kMirrorFeedsMax) {
    return ResourceExhausted("%zu managers follow this one already", feeds_.size());
  }
  auto feed = std::unique_ptr<Feed>(new Feed(*this, name));
  // One from an earlier term, unless it has just what this manager began with, may have intent that
  // nobody else has: it gets a copy.
  const bool same_history = from == before_ || from.term == position_.term;
  const bool goes_on = same_history && from.number <= position_.number && !ring_.empty() &&
                       from.number + 1 >= ring_.front().position.number;
  feed->copy_ = !goes_on;
  feed->next_ = from.number + 1;
  feed->acknowledged_ = goes_on ? from.number : 0;
  feed->in_step_at_ = feed->counts_from_ = position_.number;
  feeds_[name] = feed.get();
  return feed;
}

MirroredStore::Feed::~Feed() {
  absl::MutexLock lock(&store_.mutex_);
  const auto it = store_.feeds_.find(name_);
  if (it != store_.feeds_.end() && it->second == this) store_.feeds_.erase(it);
}

StatusOr<MirroredStore::Copy> MirroredStore::MakeCopy() {
  absl::MutexLock order(&order_);  // Nobody writes meanwhile: it is as of the position.
  Copy copy;
  copy.position = position();
  size_t bytes = 0;
  STRATA_RETURN_IF_ERROR(
      own_.VisitIntents([&copy, &bytes](std::string_view key, std::string_view value) {
        copy.records.push_back({std::string(key), std::string(value)});
        bytes += key.size() + value.size();
        return bytes <= kIntentsBytesMax;
      }));
  if (bytes <= kIntentsBytesMax) return copy;
  return ResourceExhausted("there is more intent than a copy may have: %zu bytes",
                           kIntentsBytesMax);
}

StatusOr<std::variant<MirroredStore::Entry, MirroredStore::Copy>> MirroredStore::Feed::Next(
    Duration limit) {
  bool copies = false;
  {
    absl::MutexLock lock(&store_.mutex_);
    copies = copy_;
  }
  if (copies) {
    STRATA_ASSIGN_OR_RETURN(Copy copy, store_.MakeCopy());
    absl::MutexLock lock(&store_.mutex_);
    copy_ = false;
    next_ = copy.position.number + 1;
    in_step_at_ = counts_from_ = copy.position.number;
    return std::variant<Entry, Copy>(std::move(copy));
  }
  absl::MutexLock lock(&store_.mutex_);
  const auto current = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(store_.mutex_) {
    const auto it = store_.feeds_.find(name_);
    return store_.leads_ && it != store_.feeds_.end() && it->second == this;
  };
  const auto due = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(store_.mutex_) {
    return !current() || store_.position_.number >= next_ || to_tell_;
  };
  store_.mutex_.AwaitWithTimeout(absl::Condition(&due), absl::FromChrono(limit));
  if (!current()) return FailedPrecondition("this manager does not lead its farm any longer");
  if (store_.position_.number < next_) {
    to_tell_ = false;
    return DeadlineExceeded("nothing new");
  }
  if (store_.ring_.empty() || store_.ring_.front().position.number > next_) {
    return ResourceExhausted("manager %s is too slow: it has to start with a copy", name_.c_str());
  }
  const size_t at = next_ - store_.ring_.front().position.number;
  ++next_;
  return std::variant<Entry, Copy>(store_.ring_[at]);
}

void MirroredStore::Feed::Acknowledge(uint64_t number) {
  absl::MutexLock lock(&store_.mutex_);
  // Not what was never sent to it.
  if (number < next_ && !copy_ && number > acknowledged_) acknowledged_ = number;
}

bool MirroredStore::Feed::InStep() const {
  absl::MutexLock lock(&store_.mutex_);
  return !copy_ && acknowledged_ >= in_step_at_;
}

bool MirroredStore::Feed::Counts() {
  absl::MutexLock lock(&store_.mutex_);
  const auto it = store_.feeds_.find(name_);
  if (it == store_.feeds_.end() || it->second != this || copy_ || acknowledged_ < in_step_at_) {
    return false;
  }
  if (store_.candidates_.contains(name_) && store_.required_.insert(name_).second) {
    // What was acknowledged before without it, it has to have too.
    counts_from_ = store_.position_.number;
  }
  return store_.required_.contains(name_) && acknowledged_ >= counts_from_;
}

bool MirroredStore::Feed::OffersLead() const {
  absl::MutexLock lock(&store_.mutex_);
  return offers_lead_;
}

// ---- Following.

Status MirroredStore::Take(const Entry& entry) {
  absl::MutexLock order(&order_);
  const MirrorPosition here = position();
  if (leads()) return FailedPrecondition("this manager leads its farm: it takes nothing");
  if (entry.position.number != here.number + 1 || entry.position.term < here.term) {
    return InvalidArgument("intent %s does not follow %s", ToString(entry.position).c_str(),
                           ToString(here).c_str());
  }
  STRATA_RETURN_IF_ERROR(own_.Commit(entry.batch));
  STRATA_RETURN_IF_ERROR(LoadPosition());
  if (position() == entry.position) return Ok();
  return InvalidArgument("intent %s says that it is another", ToString(entry.position).c_str());
}

Status MirroredStore::Take(const Copy& copy) {
  absl::MutexLock order(&order_);
  if (leads()) return FailedPrecondition("this manager leads its farm: it takes nothing");
  if (const MirrorPosition here = position(); copy.position.term < here.term) {
    return InvalidArgument("a copy of %s, while here is %s already: who sent it does not lead",
                           ToString(copy.position).c_str(), ToString(here).c_str());
  }
  STRATA_RETURN_IF_ERROR(own_.ReplaceIntents(copy.records));
  STRATA_RETURN_IF_ERROR(LoadPosition());
  if (position() == copy.position) return Ok();
  return InvalidArgument("a copy of %s says that it is of another position",
                         ToString(copy.position).c_str());
}

// ---- The rest is the own store's.

StatusOr<uint64_t> MirroredStore::LastPosition(const std::string& log) {
  return own_.LastPosition(log);
}

StatusOr<std::optional<std::string>> MirroredStore::Get(std::string_view table,
                                                        std::string_view key) {
  return own_.Get(table, key);
}
Status MirroredStore::VisitTable(
    std::string_view table, absl::FunctionRef<bool(std::string_view, std::string_view)> visit) {
  return own_.VisitTable(table, visit);
}
Status MirroredStore::VisitLog(std::string_view log, uint64_t from,
                               absl::FunctionRef<bool(uint64_t, std::string_view)> visit) {
  return own_.VisitLog(log, from, visit);
}
Status MirroredStore::VisitIntents(
    absl::FunctionRef<bool(std::string_view, std::string_view)> visit) {
  return own_.VisitIntents(visit);
}
Status MirroredStore::ReplaceIntents(const std::vector<IntentRecord>&) {
  return FailedPrecondition("the intent of a farm is replaced by its leader's only");
}
StatusOr<uint64_t> MirroredStore::Apply(const LocationBatch& batch) { return own_.Apply(batch); }
uint64_t MirroredStore::SyncedUpTo() const { return own_.SyncedUpTo(); }
Status MirroredStore::Sync() { return own_.Sync(); }
StatusOr<std::optional<StoredLocation>> MirroredStore::FindLocation(const farm::ContentKey& key,
                                                                    directory::Holder holder) {
  return own_.FindLocation(key, holder);
}
StatusOr<std::optional<std::string>> MirroredStore::FindUri(const farm::ContentKey& key) {
  return own_.FindUri(key);
}
Status MirroredStore::VisitLocations(uint8_t first, uint8_t last,
                                     absl::FunctionRef<void(const RecordHead&)> visit) {
  return own_.VisitLocations(first, last, visit);
}
StatusOr<uint64_t> MirroredStore::VisitContents(const farm::ContentKey& first,
                                                const farm::ContentKey& last,
                                                absl::FunctionRef<bool(const ContentView&)> visit) {
  return own_.VisitContents(first, last, visit);
}
StatusOr<std::vector<ChildPosition>> MirroredStore::ChildPositions() {
  return own_.ChildPositions();
}

}  // namespace strata::manager::store

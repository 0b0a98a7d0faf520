#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/time.h"
#include "service_manager/store/store.h"

namespace strata::manager::store {

// Intents that are kept for followers that come back; beyond these limits they get a whole copy.
inline constexpr size_t kMirrorRingMax = 10'000;
inline constexpr size_t kMirrorRingBytesMax = size_t{64} << 20;
inline constexpr size_t kMirrorFeedsMax = 16;

// Where an intent stands among all of a farm: in which term, which is that of the manager who made
// it, and its number, which goes on through the terms. Two managers with the same position have the
// same intent.
struct MirrorPosition {
  uint64_t term = 0;
  uint64_t number = 0;

  friend auto operator<=>(const MirrorPosition&, const MirrorPosition&) = default;
};
std::string ToString(const MirrorPosition& position);

// A manager's store as one of several that have the same intent. The one who leads its farm writes,
// and Commit returns only when each manager that has to have it says that it is durable there; the
// others take what it writes in its order. Locations are each store's own, and with them the
// positions of the feeds that they come from.
//
// Any thread. Nothing here talks to anybody: feeds are drained, and fed to Take, by others.
class MirroredStore final : public Store {
 public:
  struct Entry {
    MirrorPosition position;
    IntentBatch batch;
  };
  struct Copy {
    MirrorPosition position;
    std::vector<IntentRecord> records;
  };

  // `wait`: how long Commit waits for the others. `own` must outlive this.
  static StatusOr<std::unique_ptr<MirroredStore>> Open(Store& own, Duration wait);
  ~MirroredStore() override;

  MirrorPosition position() const;

  // ---- Who leads.

  // From now on this store writes, in this term, or one above all that it knows if that is more. No
  // two managers may lead in one term, nor at the same time: that is the group's business.
  Status Lead(uint64_t term);
  // It does not any longer: Commit is refused, feeds end, and who waits in Commit is told.
  void Follow();
  bool leads() const;
  // The managers that must have what is acknowledged: those that may take over, and of the
  // `candidates`, which are to come, each from when its feed has been in step.
  void Require(std::set<std::string> names, std::set<std::string> candidates = {});
  // Whether a Commit was not acknowledged since this was asked the last time, though its intent is
  // on this disk: what others know of it in memory is too old.
  bool TakeUnacknowledged();
  // The process is to end: a Commit waits for nobody any more, now or later; Unavailable if others
  // do not have it then.
  void GiveUp();
  // Who is required and has not all.
  std::vector<std::string> Behind() const;

  // Whether the manager of that name has, or will in a moment have, all that was acknowledged: it
  // follows, and is required.
  bool MayTakeOver(const std::string& name) const;
  // This manager is about to end: that one shall lead in its place, and its feed says so. False: it
  // may not take over.
  bool OfferLead(const std::string& name);

  // What one follower is sent. Ends before the store.
  class Feed {
   public:
    ~Feed();
    // The next to send. Waits at most `limit`, or until the lead is offered: DeadlineExceeded.
    // FailedPrecondition: this manager does not lead any longer. ResourceExhausted: the follower is
    // too slow and has to ask anew.
    StatusOr<std::variant<Entry, Copy>> Next(Duration limit);
    // The follower has all up to this number on its disk.
    void Acknowledge(uint64_t number);
    // Whether it has all that there was when it asked for it.
    bool InStep() const;
    // Whether it has all that was ever acknowledged, and nothing will be that it has not, as long
    // as it is named in Require. Makes it so, if it is a candidate that is in step.
    bool Counts();
    // Whether the lead is offered to it.
    bool OffersLead() const;

   private:
    friend class MirroredStore;
    Feed(MirroredStore& store, std::string name) : store_(store), name_(std::move(name)) {}

    MirroredStore& store_;
    const std::string name_;
    // Under the store's mutex.
    bool copy_ = false;  // A copy is to be sent first.
    uint64_t next_ = 0;  // Number of the next entry.
    uint64_t acknowledged_ = 0;
    uint64_t in_step_at_ = 0;   // When it has acknowledged this, it is in step.
    uint64_t counts_from_ = 0;  // When it has acknowledged this too, it counts.
    bool offers_lead_ = false;
    bool to_tell_ = false;  // That it does; Next ends for it.
  };
  // For a follower that has all up to `from`. Another feed of that name ends. FailedPrecondition:
  // this manager does not lead. ResourceExhausted: too many followers.
  StatusOr<std::unique_ptr<Feed>> Attach(const std::string& name, const MirrorPosition& from);

  // ---- Who follows.

  // The entry that follows position(); another is InvalidArgument. Durable when it returns.
  Status Take(const Entry& entry);
  // In place of all that is here.
  Status Take(const Copy& copy);

  // ---- Store.

  // Unavailable: this manager does not lead, so another is to be asked; or it is written here, and
  // it is not known that the others have it.
  StatusOr<std::vector<uint64_t>> Commit(const IntentBatch& batch) override;
  StatusOr<uint64_t> LastPosition(const std::string& log) override;
  StatusOr<std::optional<std::string>> Get(std::string_view table, std::string_view key) override;
  Status VisitTable(std::string_view table,
                    absl::FunctionRef<bool(std::string_view, std::string_view)> visit) override;
  Status VisitLog(std::string_view log, uint64_t from,
                  absl::FunctionRef<bool(uint64_t, std::string_view)> visit) override;
  Status VisitIntents(absl::FunctionRef<bool(std::string_view, std::string_view)> visit) override;
  Status ReplaceIntents(const std::vector<IntentRecord>& records) override;
  StatusOr<uint64_t> Apply(const LocationBatch& batch) override;
  uint64_t SyncedUpTo() const override;
  Status Sync() override;
  StatusOr<std::optional<StoredLocation>> FindLocation(const farm::ContentKey& key,
                                                       directory::Holder holder) override;
  StatusOr<std::optional<std::string>> FindUri(const farm::ContentKey& key) override;
  Status VisitLocations(uint8_t first, uint8_t last,
                        absl::FunctionRef<void(const RecordHead&)> visit) override;
  StatusOr<uint64_t> VisitContents(const farm::ContentKey& first, const farm::ContentKey& last,
                                   absl::FunctionRef<bool(const ContentView&)> visit) override;
  StatusOr<std::vector<ChildPosition>> ChildPositions() override;

 private:
  MirroredStore(Store& own, Duration wait) : own_(own), wait_(wait) {}

  Status LoadPosition() ABSL_EXCLUSIVE_LOCKS_REQUIRED(order_);
  // Writes here as `position`, and puts it before the followers.
  StatusOr<std::vector<uint64_t>> Write(IntentBatch batch, const MirrorPosition& position)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(order_);
  StatusOr<Copy> MakeCopy();
  // Of a required manager; null: there is none.
  Feed* FindHeir(const std::string& name) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool AllHave(uint64_t number) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<std::string> Behind(uint64_t number) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Store& own_;
  const Duration wait_;
  absl::Mutex order_ ABSL_ACQUIRED_BEFORE(mutex_);  // Held over a write.
  mutable absl::Mutex mutex_;
  MirrorPosition position_ ABSL_GUARDED_BY(mutex_);  // Changed with order_ held too.
  bool leads_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<std::string> required_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> candidates_ ABSL_GUARDED_BY(mutex_);
  bool unacknowledged_ ABSL_GUARDED_BY(mutex_) = false;
  bool given_up_ ABSL_GUARDED_BY(mutex_) = false;
  MirrorPosition before_ ABSL_GUARDED_BY(mutex_);  // When this manager began to lead.
  std::map<std::string, Feed*> feeds_ ABSL_GUARDED_BY(mutex_);
  std::deque<Entry> ring_ ABSL_GUARDED_BY(mutex_);  // The last of this term.
  size_t ring_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace strata::manager::store

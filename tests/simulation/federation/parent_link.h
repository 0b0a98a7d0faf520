#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "service_manager/federation/feed/feed_sender.h"
#include "service_manager/federation/policy/policy_walk.h"
#include "tests/simulation/federation/manager_directory.h"
#include "tests/simulation/federation/stream.h"
#include "tests/simulation/federation/wiring.h"

namespace strata::simulation::federation {

class ParentLink;

// What a child sends to: its parent's end of a stream.
class FeedReader {
 public:
  virtual ~FeedReader() = default;

  virtual void Greeted(ParentLink& child, const std::shared_ptr<Stream>& stream,
                       const manager::federation::FeedGreeting& greeting) = 0;
  virtual void Arrived(const std::shared_ptr<Stream>& stream, const Bytes& batch) = 0;
  // Which store stands behind it, never 0: another one may lack what this one acknowledged. No
  // real child could ask.
  virtual uint64_t parents_store() const = 0;
};

// A manager's link to its parent: projects the changes of its directory by the policy, hands them
// to the real FeedSender once they are durable, and does what that one asks for.
class ParentLink {
 public:
  // Who answers for the parent now; null: nobody.
  using FindParent = std::function<FeedReader*()>;

  ParentLink(Wiring& wiring, size_t scope, uint64_t epoch, ManagerDirectory& directory,
             FindParent find_parent);

  void Start() { ConnectLater(); }
  void Stop();

  // A copy changed, in the batch that is being made.
  void OnCopyChange(const farm::ContentKey& key, const CopyChange& change);
  // The store has synced: what was told up to there may go on.
  void OnDurable();
  void SetPolicy(const PolicyPlan& policy);

  // ---- From the parent, by a stream.
  void Welcomed(const Stream* stream, const manager::federation::FeedWelcome& welcome);
  void Acknowledged(const Stream* stream,
                    const manager::federation::FeedAcknowledgement& acknowledgement);
  void Compared(const Stream* stream, const manager::federation::FeedComparison& comparison);

  // ---- What happens to the link.
  void Cut(Duration notice_max);
  void Stall(Duration time);
  void StayAway(Duration time) { away_until_ = wiring_.queue.now() + time; }

  // ---- To be judged.
  const manager::federation::FeedSender& sender() const { return sender_; }
  // Nothing waits to be told, whatever checks go on.
  bool Settled() const;
  // All is durable at the parent.
  bool Quiet() const { return Settled() && sender_.Quiet(); }
  std::string Describe() const;
  // What it has seen, once, at its end.
  void CountEvents();

 private:
  // A change of the projection that waits until the store has what it is about.
  struct Waiting {
    uint64_t commit = 0;
    farm::ContentKey key;
    CopyChange change;
    std::string uri;
  };
  // What was read for a range that is told anew, and up to which commit the store had it.
  struct Read {
    struct Item {
      farm::ContentKey key;
      Location copy;
      std::string uri;
    };
    uint64_t commit = 0;
    manager::federation::FeedRead read;
    farm::ContentKey last;
    std::vector<Item> items;
    bool arrived = false;
  };

  manager::federation::Projection ProjectionOf(const farm::ContentKey& key,
                                               const std::string& uri) const;
  manager::federation::RangeDigests DigestsToTell() const;
  void Tell(const Waiting& waiting);
  void Introduce(Holder holder);
  void WalkLater();
  void Walk();
  void ConnectLater();
  void Connect();
  void Lost();
  void CutSoon();
  void Judge(const manager::federation::FeedPosition& position, bool anew, bool near_full);
  void Pump();
  void PumpAt(Timestamp when);
  void DoRead();
  void GiveRead();

  Wiring& wiring_;
  const size_t scope_;
  const uint64_t epoch_;
  ManagerDirectory& directory_;
  const FindParent find_parent_;
  manager::federation::PolicyWalk walk_;
  manager::federation::FeedSender sender_;
  std::set<Holder> introduced_;
  std::deque<Waiting> waiting_;
  std::optional<Read> read_;
  std::shared_ptr<Stream> stream_;
  FeedReader* parent_ = nullptr;  // Of the stream.
  uint64_t parents_store_ = 0;    // Of the last stream that was welcomed; 0: there was none.
  std::optional<uint64_t> acknowledged_;  // By that store, since the feed last began anew.
  uint64_t anew_behind_ = 0;
  Timestamp away_until_;
  Timestamp pump_at_ = Timestamp::Never();
  bool walking_ = false;
  bool stopped_ = false;
};

}  // namespace strata::simulation::federation

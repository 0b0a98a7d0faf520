#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "multicast/core/durable_state.h"
#include "multicast/core/failure_detector.h"
#include "multicast/core/group_state.h"
#include "multicast/core/proposal_builder.h"

namespace strata::multicast {

// Agreement on the next view (spec, section 8): this member's promises and acceptances, and its own
// proposal if it is the candidate. Says when a view is to be installed; installing is the core's
// job. One per core.
class ViewChange {
 public:
  ViewChange(GroupState& group, FailureDetector& failures) : group_(group), failures_(failures) {}

  void Start(DurableState durable, uint64_t durable_commit);
  // A new incarnation begins: persisted like everything else.
  void BeginIncarnation(const Incarnation& incarnation);
  void SetDurableCommit(uint64_t commit) { durable_commit_ = commit; }

  // What the next proposal of this manager should do besides following the reports.
  struct Wishes {
    std::vector<MemberInfo> joiners;
    std::vector<MemberId> excluded;
    bool fan_out = false;
    std::vector<AllOfMessage> all_of;
  };
  // Starts a proposal unless one is on its way or waits for its retry.
  void Propose(Wishes wishes, Timestamp now);
  // The first view of a new group, of this manager alone.
  void Found(Timestamp now);
  bool proposing() const { return phase_ != Phase::kIdle && phase_ != Phase::kSettling; }
  bool MayPropose(Timestamp now) const { return !proposing() && now >= retry_at_; }

  void OnPropose(const Header& header, const Endpoint& from, const multicast::Propose& propose,
                 bool sm_suspected, Timestamp now);
  void OnReport(const Report& report, const Endpoint& from, Timestamp now);
  void OnView(const Header& header, const Endpoint& from, const ViewProposal& proposal,
              Timestamp now);
  void OnViewAck(const Header& header, Epoch ballot, Timestamp now);
  // INSTALL, or a packet of that epoch.
  void OnInstall(Epoch ballot, Timestamp now);
  void OnPersisted(uint64_t id, Timestamp now);
  void OnTimer(Timestamp now);
  Timestamp deadline() const;
  // The member was heard in this member's epoch.
  void HeardInEpoch(MemberId member);

  // The proposal to install now, once.
  struct Installation {
    ViewProposal proposal;
    bool founding = false;
    bool unsynced = false;
  };
  std::optional<Installation> TakeInstallation();
  // After the core installed it.
  void OnInstalled(Timestamp now);

  // Id of the latest PersistAction.
  uint64_t last_persist() const { return next_persist_ - 1; }

  // The highest view that is known to exclude this incarnation took effect, or may have.
  bool Excluded() const { return excluded_installed_ || left_out_; }
  Epoch promised() const { return durable_.promised; }
  Epoch excluding_ballot() const { return excluding_; }
  bool HasDurableView() const { return durable_.installed || durable_.accepted; }
  Epoch DurableEpoch() const;
  // Where the members of the last durable view were.
  std::vector<Endpoint> DurableEndpoints() const;
  uint64_t durable_commit() const { return durable_commit_; }
  bool no_majority() const { return no_majority_; }

 private:
  enum class Phase : uint8_t { kIdle, kPromising, kCollecting, kAccepting, kConfirming, kSettling };
  enum class Then : uint8_t { kNothing, kReport, kViewAck, kCollect, kConfirm, kFound };
  struct Pending {
    uint64_t id = 0;
    Then then = Then::kNothing;
    Epoch ballot;
    Endpoint to;
    uint64_t log_seen = 0;
  };

  void Persist(Then then, Epoch ballot, const Endpoint& to = {}, uint64_t log_seen = 0);
  void Promise(Epoch ballot);
  Epoch NextBallot() const;
  Report MakeReport(Epoch ballot, uint64_t log_seen) const;
  void SendReport(Epoch ballot, const Endpoint& to, uint64_t log_seen);
  bool AllReported(Timestamp now) const;
  bool MayAnswerYet(Timestamp now) const;
  std::vector<Position> ReceivedPositions() const;
  void TryDecide(bool last_chance, Timestamp now);
  void Fail(Timestamp now);
  void CheckEffective(Timestamp now);
  bool PromisedFromMemory(MemberId id, const Incarnation& incarnation) const;
  std::vector<MemberInfo> Unanswered() const;
  void SendProposal(Timestamp now);
  void AlarmMajority(bool lost);

  GroupState& group_;
  FailureDetector& failures_;
  DurableState durable_;
  uint64_t durable_commit_ = 0;
  uint64_t next_persist_ = 1;
  std::deque<Pending> pending_;
  Epoch seen_;       // Highest ballot heard of.
  Epoch excluding_;  // Ballot of a proposal without this incarnation.
  bool excluded_installed_ = false;
  bool left_out_ = false;  // Found out by an own proposal.
  bool no_majority_ = false;

  // As a member.
  bool accept_persisted_ = false;
  Epoch install_heard_;
  std::optional<Installation> install_;

  // As the candidate.
  Phase phase_ = Phase::kIdle;
  Phase sent_phase_ = Phase::kIdle;  // Of the last PROPOSE or VIEW.
  Epoch ballot_;
  Wishes wishes_;
  bool memoryless_ = false;
  bool was_sm_ = false;
  std::vector<Report> reports_;
  std::optional<Decision> decision_;
  std::vector<Vote> acks_;
  std::vector<MemberId> unheard_;  // In the new view, not heard in its epoch yet.
  Timestamp phase_began_;          // Collecting, confirming.
  Timestamp phase_deadline_ = Timestamp::Never();
  Timestamp resend_at_ = Timestamp::Never();
  Timestamp retry_at_;
  int unconfirmed_ = 0;  // Proposals in a row that too few accepted.
};

}  // namespace strata::multicast

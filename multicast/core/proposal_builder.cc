#include "multicast/core/proposal_builder.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "multicast/core/mutants.h"

namespace strata::multicast {
namespace {

using StreamKey = std::tuple<MemberId, Incarnation, StreamId>;
using Positions = std::map<StreamKey, Seq>;

// The view with the highest epoch that anybody installed or accepted.
struct Base {
  const View* view = nullptr;
  const ViewProposal* proposal = nullptr;  // How it was accepted, if that was reported.
  bool resolved = false;                   // Somebody installed it: it took effect.
};

Base FindBase(const DecisionInput& input) {
  Base base;
  // Quorum none: who lost its memory has lost its side of a division, however high its epoch.
  const auto counts = [&input](const Report& report) {
    return !input.quorum_none || input.memoryless || report.status != MemberStatus::kNone;
  };
  for (const Report& report : input.reports) {
    if (!counts(report)) continue;
    if (report.installed && (!base.view || report.installed->epoch > base.view->epoch)) {
      base = {&*report.installed, nullptr, true};
    }
  }
  for (const Report& report : input.reports) {
    if (!counts(report)) continue;
    if (!report.accepted) continue;
    const Epoch epoch = report.accepted->view.epoch;
    if (!base.view || epoch > base.view->epoch) {
      base = {&report.accepted->view, &*report.accepted, false};
    } else if (epoch == base.view->epoch) {
      base.proposal = &*report.accepted;
    }
  }
  return base;
}

// A member's held positions, by incarnation instead of slot.
Positions PositionsOf(const Report& report) {
  Positions positions;
  if (!report.installed) return positions;
  for (const Position& p : report.positions) {
    if (p.slot >= report.installed->members.size()) continue;
    const MemberInfo& member = report.installed->members[p.slot];
    positions[{member.id, member.incarnation, p.stream}] = p.seq;
  }
  return positions;
}

class Builder {
 public:
  explicit Builder(const DecisionInput& input) : in_(input) {}

  std::variant<Decision, Indecision> Build() {
    base_ = FindBase(in_);
    if (base_.view == nullptr) return Indecision::kNoView;
    if (auto why = CheckQuorums()) return *why;
    FindSurvivors();
    if (auto why = CheckCandidate()) return *why;
    if (!BuildLog()) return Indecision::kLogMissing;
    Flush();
    BuildView();
    if (!HasState()) return Indecision::kNoState;
    return std::move(out_);
  }

 private:
  const View& base() const { return *base_.view; }
  ViewProposal& proposal() { return out_.proposal; }

  std::optional<Indecision> CheckQuorums() {
    std::vector<Vote> promises;
    for (const Report& report : in_.reports) promises.push_back(PromiseOf(report));
    std::vector<Quorum> quorums = {VotersOf(base())};
    if (!base_.resolved) {
      for (const Quorum& quorum : base_.proposal->quorums) {
        if (std::find(quorums.begin(), quorums.end(), quorum) == quorums.end()) {
          quorums.push_back(quorum);
        }
      }
    }
    if (quorums.size() > kMaxQuorums) return Indecision::kTooManyQuorums;
    proposal().quorums = std::move(quorums);
    const bool alone = in_.quorum_none && base().quorum_none;
    if (alone || in_.anyway || STRATA_MUTANT(kViewWithoutMajority)) {
      proposal().quorums = {{in_.self.id}};
      return std::nullopt;
    }
    if (!CarriesAll(proposal().quorums, promises)) return Indecision::kNoMajority;
    return std::nullopt;
  }

  // Alive in memory, and full in the base view with this incarnation.
  void FindSurvivors() {
    for (const Report& report : in_.reports) {
      if (report.status == MemberStatus::kNone) continue;
      const Slot slot = base().SlotOf(report.self.id, report.self.incarnation);
      if (slot == kNoSlot || base().members[slot].status != MemberStatus::kFull) continue;
      if (IsExcluded(report.self.id)) continue;
      survivors_.push_back(&report);
    }
    // Light ones have nothing that they could give: without others, what the group had is on disks.
    const bool all_light = std::all_of(survivors_.begin(), survivors_.end(),
                                       [](const Report* r) { return r->self.light; });
    if (all_light && in_.memoryless) survivors_.clear();
  }

  bool IsExcluded(MemberId id) const {
    return std::find(in_.excluded.begin(), in_.excluded.end(), id) != in_.excluded.end();
  }
  bool IsSurvivor(MemberId id) const {
    return std::any_of(survivors_.begin(), survivors_.end(),
                       [id](const Report* r) { return r->self.id == id; });
  }

  // By its id: it may have started anew since.
  bool WasFull(MemberId id) const {
    const Slot slot = base().SlotOf(id);
    return slot != kNoSlot && base().members[slot].status == MemberStatus::kFull;
  }

  std::optional<Indecision> CheckCandidate() {
    if (!in_.memoryless && base().SlotOf(in_.self.id, in_.self.incarnation) == kNoSlot) {
      return Indecision::kLeftOut;
    }
    const bool lacks = in_.lead_only_if_full && !in_.anyway && !WasFull(in_.self.id);
    if (in_.memoryless && lacks && !STRATA_MUTANT(kLeadsUnlessFull)) return Indecision::kNotMine;
    if (survivors_.empty()) {
      if (!in_.memoryless) return Indecision::kNotMine;
      out_.founding = true;
      for (const Report& report : in_.reports) {
        if (report.self.role == Role::kManager && Durability(report) > OwnDurability()) {
          return Indecision::kNotMine;
        }
      }
      return std::nullopt;
    }
    if (IsSurvivor(in_.self.id)) return std::nullopt;
    const bool other_manager =
        std::any_of(survivors_.begin(), survivors_.end(),
                    [](const Report* r) { return r->self.role == Role::kManager; });
    if (other_manager || !in_.memoryless) return Indecision::kNotMine;
    out_.unsynced = true;
    return std::nullopt;
  }

  using DurabilityKey = std::pair<Epoch, uint64_t>;
  // A learner's state is of an earlier view than the one it learns in: that view does not count.
  static DurabilityKey Durability(const Report& report) {
    Epoch epoch;
    const auto count = [&](const View& view) {
      const Slot slot = view.SlotOf(report.self.id);
      const bool full = slot != kNoSlot && view.members[slot].status == MemberStatus::kFull;
      if (full) epoch = std::max(epoch, view.epoch);
    };
    if (report.installed) count(*report.installed);
    if (report.accepted) count(report.accepted->view);
    return {epoch, report.durable_commit};
  }
  DurabilityKey OwnDurability() const {
    for (const Report& report : in_.reports) {
      if (report.self.id == in_.self.id) return Durability(report);
    }
    return {};
  }

  // All log records that some survivor may lack, up to the end of the base view's log.
  bool BuildLog() {
    if (out_.founding) {
      uint64_t durable = 0;
      for (const Report& report : in_.reports) {
        if (report.self.id == in_.self.id) durable = report.durable_commit;
      }
      proposal().log_first = durable + 1;
      log_end_ = durable;
      return true;
    }
    std::map<uint64_t, LogRecord> known;
    uint64_t lowest = UINT64_MAX;
    uint64_t highest = 0;
    for (const Report* report : survivors_) lowest = std::min(lowest, report->log_seen);
    // Also of learners: one may have heard, and applied, what no survivor has.
    for (const Report& report : in_.reports) {
      const bool member = base().SlotOf(report.self.id, report.self.incarnation) != kNoSlot;
      if (report.status == MemberStatus::kNone || !member || IsExcluded(report.self.id)) continue;
      highest = std::max(highest, report.log_seen);
      uint64_t number = report.log_seen - report.records.size();
      for (const LogRecord& record : report.records) known.emplace(++number, record);
    }
    if (base_.proposal != nullptr) {
      uint64_t number = base_.proposal->log_first;
      for (const LogRecord& record : base_.proposal->records) known.emplace(number++, record);
      LogRecord view;
      view.kind = LogRecord::Kind::kView;
      view.view = base();
      known.insert_or_assign(base().log_number, view);
      highest = std::max(highest, base().log_number);
    }
    // Nobody is here who installed the base view, or accepted it: then nobody knows its slots.
    if (highest < base().log_number) return false;
    proposal().log_first = lowest + 1;
    for (uint64_t number = lowest + 1; number <= highest; ++number) {
      if (in_.log->Has(number)) {
        proposal().records.push_back(in_.log->At(number));
        continue;
      }
      const auto it = known.find(number);
      if (it == known.end()) return false;
      proposal().records.push_back(it->second);
    }
    log_end_ = log_before_flush_ = highest;
    return true;
  }

  // What every survivor holds is committed (and, as the last view's SM, without all_of messages).
  void Flush() {
    if (out_.founding) return;
    for (size_t i = 0; i < survivors_.size(); ++i) {
      const Positions held = PositionsOf(*survivors_[i]);
      if (i == 0) {
        flushed_ = held;
        continue;
      }
      if (STRATA_MUTANT(kFlushByMaximum)) {
        for (const auto& [key, seq] : held) flushed_[key] = std::max(flushed_[key], seq);
        continue;
      }
      std::erase_if(flushed_, [&held](const auto& item) { return !held.contains(item.first); });
      for (auto& [key, seq] : flushed_) seq = std::min(seq, held.at(key));
    }
    if (STRATA_MUTANT(kSkipFlush)) return;
    LogRecord whole;
    LogRecord aborted;
    aborted.kind = LogRecord::Kind::kAborted;
    LogRecord rest;
    for (Slot slot = 0; slot < static_cast<Slot>(base().members.size()); ++slot) {
      const MemberInfo& member = base().members[slot];
      for (StreamId stream = 0; stream < kMaxStreams; ++stream) {
        const auto it = flushed_.find({member.id, member.incarnation, stream});
        if (it == flushed_.end() || it->second == 0) continue;
        Seq until = it->second;
        for (const AllOfMessage& message : Evicting() ? in_.all_of : kNoMessages) {
          if (message.end.slot != slot || message.end.stream != stream) continue;
          aborted.ranges.push_back(
              {slot, stream, kAbortTargetEvicted, message.from, message.end.seq});
          if (message.end.seq > it->second) continue;
          until = std::min(until, message.from - 1);
        }
        if (until > 0) whole.positions.push_back({slot, stream, until});
        if (until < it->second) rest.positions.push_back({slot, stream, it->second});
      }
    }
    AppendAdvance(whole.positions);
    if (!aborted.ranges.empty()) proposal().records.push_back(std::move(aborted)), ++log_end_;
    AppendAdvance(rest.positions);
  }

  // In pieces that fit a record.
  void AppendAdvance(const std::vector<Position>& all) {
    for (size_t at = 0; at < all.size(); at += kMaxLogEntries) {
      LogRecord piece;
      const size_t end = std::min(all.size(), at + kMaxLogEntries);
      piece.positions.assign(all.begin() + static_cast<std::ptrdiff_t>(at),
                             all.begin() + static_cast<std::ptrdiff_t>(end));
      proposal().records.push_back(std::move(piece));
      ++log_end_;
    }
  }

  bool Evicting() const {
    // Over a view that the candidate has not installed that view's own proposal has done it, in the
    // slots of its base.
    if (!in_.was_sm || in_.received_view->epoch != base().epoch) return false;
    return std::any_of(base().members.begin(), base().members.end(), [this](const MemberInfo& m) {
      return m.status == MemberStatus::kFull && !IsSurvivor(m.id);
    });
  }

  bool MayBePromoted(const Report& report) const {
    if (STRATA_MUTANT(kLearnerPromotedEarly)) return true;
    if (!report.synced || report.log_seen < log_before_flush_) return false;
    const Positions held = PositionsOf(report);
    return std::all_of(flushed_.begin(), flushed_.end(), [&held](const auto& item) {
      const auto it = held.find(item.first);
      return item.second == 0 || (it != held.end() && it->second >= item.second);
    });
  }

  bool IsJoiner(const MemberInfo& member) const {
    return std::any_of(in_.joiners.begin(), in_.joiners.end(), [&member](const MemberInfo& j) {
      return j.id == member.id && j.incarnation == member.incarnation;
    });
  }

  std::optional<MemberStatus> NewStatus(const Report& report) const {
    const MemberInfo& member = report.self;
    if (IsExcluded(member.id)) return std::nullopt;
    if (member.role == Role::kWitness) return MemberStatus::kWitness;
    if (IsSurvivor(member.id)) return MemberStatus::kFull;
    if (member.id == in_.self.id) return MemberStatus::kFull;
    // The founder knows nothing of the streams of those who are still there: they start over.
    if (out_.founding && report.status != MemberStatus::kNone) return std::nullopt;
    const bool in_base = base().SlotOf(member.id, member.incarnation) != kNoSlot;
    if (in_base && report.status != MemberStatus::kNone) {
      const bool promote = MayBePromoted(report);
      return promote ? MemberStatus::kFull : MemberStatus::kLearner;
    }
    if (report.status != MemberStatus::kNone) return std::nullopt;  // It must join anew first.
    // A member of the base view that has restarted is admitted already, and may be a voter without
    // whose acceptance nothing takes effect.
    const bool restarted = base().SlotOf(member.id) != kNoSlot;
    if (restarted || IsJoiner(member) || in_.memoryless) return MemberStatus::kLearner;
    return std::nullopt;
  }

  void BuildView() {
    View& view = proposal().view;
    view.epoch = proposal().ballot = in_.ballot;
    view.number = base().number + 1;
    view.fan_out = in_.fan_out;
    view.quorum_none = in_.quorum_none;
    for (const Report& report : in_.reports) {
      const auto status = NewStatus(report);
      if (!status || view.members.size() == kMaxMembers) continue;
      MemberInfo member = report.self;
      member.status = *status;
      view.members.push_back(member);
    }
    SortByRank(view.members, in_.self.id);
    ChooseVoters(view.members);
    view.version = kProtocolVersion;
    for (const MemberInfo& member : view.members) {
      view.version = std::min(view.version, member.version_max);
    }
    view.log_number = log_end_ + 1;
    for (Slot slot = 0; slot < static_cast<Slot>(view.members.size()); ++slot) {
      for (StreamId stream = 0; stream < kMaxStreams; ++stream) {
        const MemberInfo& member = view.members[slot];
        const auto it = flushed_.find({member.id, member.incarnation, stream});
        if (it == flushed_.end() || it->second == 0) continue;
        proposal().positions.push_back({slot, stream, it->second});
      }
    }
    for (const Position& position : in_.received) {
      const MemberInfo& owner = in_.received_view->members[position.slot];
      const Slot slot = view.SlotOf(owner.id, owner.incarnation);
      const auto flushed = flushed_.find({owner.id, owner.incarnation, position.stream});
      if (slot == kNoSlot || (flushed != flushed_.end() && flushed->second > 0)) continue;
      proposal().positions.push_back({slot, position.stream, position.seq});
    }
  }

  // A full member of the new view has the application's state, and can give it to the others.
  bool HasState() const {
    if (out_.founding) return true;
    const View& view = out_.proposal.view;
    return std::any_of(in_.reports.begin(), in_.reports.end(), [&view](const Report& report) {
      const Slot slot = view.SlotOf(report.self.id, report.self.incarnation);
      return report.synced && !report.self.light && slot != kNoSlot &&
             view.members[slot].status == MemberStatus::kFull;
    });
  }

  inline static const std::vector<AllOfMessage> kNoMessages = {};

  const DecisionInput& in_;
  Base base_;
  std::vector<const Report*> survivors_;
  Positions flushed_;
  uint64_t log_before_flush_ = 0;
  uint64_t log_end_ = 0;
  Decision out_;
};

}  // namespace

Vote PromiseOf(const Report& report) {
  return {report.self.id, report.installed.has_value() || report.accepted.has_value()};
}

std::variant<Decision, Indecision> Decide(const DecisionInput& input) {
  return Builder(input).Build();
}

}  // namespace strata::multicast

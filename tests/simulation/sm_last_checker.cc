#include "tests/simulation/sm_last_checker.h"

#include <algorithm>

namespace strata::simulation {

using multicast::Epoch;
using multicast::LogRecord;
using multicast::MemberStatus;
using multicast::PacketType;
using multicast::View;

namespace {
constexpr const char* kName = "sm-last";
unsigned long long Ull(uint64_t value) { return value; }
}  // namespace

void SmLastChecker::OnViewChanged(const MemberProbe&, const View& view, MemberStatus) {
  views_.emplace(view.epoch, view);
}

void SmLastChecker::NoteData(const Packet& packet, const DataNote& data) {
  auto view = views_.find(packet.header().epoch);
  if (view == views_.end() || data.origin >= view->second.members.size()) return;
  const auto& owner = view->second.members[data.origin];
  for (const RecordNote& record : data.records) {
    if ((record.flags & multicast::kNoMore) != 0) continue;
    middles_[{owner.id, owner.incarnation, record.stream}].insert(record.seq);
  }
}

void SmLastChecker::OnTransmit(const MemberProbe& from, const Packet& packet, Sent) {
  // What the core sends in a turn may leave before the application is told of the view.
  const View& current = from.view();
  if (current.number != 0 && !views_.contains(current.epoch)) views_[current.epoch] = current;
  if (const auto* data = packet.As<DataNote>()) NoteData(packet, *data);
  if (const auto* commit = packet.As<multicast::Commit>()) JudgeCommit(from, packet, *commit);
  if (const auto* proposal = packet.As<multicast::ViewProposal>()) NoteViewsAborts(from, *proposal);
}

// A view change closes aborts, too.
void SmLastChecker::NoteViewsAborts(const MemberProbe& from,
                                    const multicast::ViewProposal& proposal) {
  View view = from.view();
  for (const LogRecord& record : proposal.records) {
    if (record.view.has_value()) view = *record.view;
    for (const auto& range : record.ranges) {
      if (range.slot >= view.members.size()) continue;
      const auto& owner = view.members[range.slot];
      closed_.insert({{owner.id, owner.incarnation, range.stream}, range.to});
    }
  }
}

bool SmLastChecker::MayCommit(const MemberProbe& member, const Epoch& epoch) const {
  const auto view = views_.find(epoch);
  return view == views_.end() || view->second.members.front().id == member.id();
}

void SmLastChecker::OnHanded(const MemberProbe& to, const Packet& packet) {
  const auto& header = packet.header();
  if (packet.type() == PacketType::kAbortAck) NoteAbortAck(to, packet);
  if (!MayCommit(to, header.epoch)) return;
  if (const auto* ack = packet.As<multicast::Ack>()) {
    auto& acked = acks_[{to.id(), header.epoch, header.sender, header.incarnation}].acked;
    for (const auto& position : ack->positions) {
      auto& seq = acked[{position.slot, position.stream}];
      seq = std::max(seq, position.seq);
    }
  }
  if (const auto* data = packet.As<DataNote>()) NoteOwnersData(to, packet, *data);
  if (const auto* heartbeat = packet.As<multicast::Heartbeat>()) {
    DataNote sent;
    auto view = views_.find(header.epoch);
    if (view != views_.end()) sent.origin = view->second.SlotOf(header.sender, header.incarnation);
    for (const auto& tail : heartbeat->tails) {
      sent.records.push_back({.stream = tail.stream, .flags = 0, .seq = tail.last, .bytes = 0});
    }
    NoteOwnersData(to, packet, sent);
  }
}

void SmLastChecker::NoteAbortAck(const MemberProbe& to, const Packet& packet) {
  const auto& header = packet.header();
  const auto* ranges = packet.As<multicast::Ranges>();
  auto view = views_.find(header.epoch);
  if (ranges == nullptr || view == views_.end()) return;
  for (const auto& range : ranges->ranges) {
    if (range.slot >= view->second.members.size()) continue;
    const auto& owner = view->second.members[range.slot];
    abort_acks_[{to.id(), header.sender, header.incarnation}].insert(
        {{owner.id, owner.incarnation, range.stream}, range.to});
  }
}

// Who sends records of its own holds them.
void SmLastChecker::NoteOwnersData(const MemberProbe& to, const Packet& packet,
                                   const DataNote& data) {
  const auto& header = packet.header();
  auto view = views_.find(header.epoch);
  if (view == views_.end()) return;
  if (view->second.SlotOf(header.sender, header.incarnation) != data.origin) return;
  auto& acked = acks_[{to.id(), header.epoch, header.sender, header.incarnation}].acked;
  for (const RecordNote& record : data.records) {
    auto& seq = acked[{data.origin, record.stream}];
    seq = std::max(seq, record.seq);
  }
}

void SmLastChecker::JudgeCommit(const MemberProbe& sm, const Packet& packet,
                                const multicast::Commit& commit) {
  auto found = views_.find(packet.header().epoch);
  if (found == views_.end()) {
    stage_.Fail(kName, "member %u sends COMMIT in an epoch that nobody installed", sm.id().value());
    return;
  }
  const View& view = found->second;
  if (view.members.front().id != sm.id()) {
    stage_.Fail(kName, "member %u sends COMMIT and is not the SM", sm.id().value());
    return;
  }
  uint64_t& last = last_number_.try_emplace(view.epoch, view.log_number).first->second;
  uint64_t number = commit.first;
  for (const LogRecord& record : commit.records) {
    uint64_t n = number++;
    if (n <= last) continue;  // Repeated; judged before, or by an earlier view.
    if (n != last + 1) {
      stage_.Fail(kName, "log record %llu follows %llu", Ull(n), Ull(last));
    }
    last = n;
    for (const auto& position : record.positions) JudgeAdvance(sm, view, n, position);
    for (const auto& range : record.ranges) JudgeAborted(sm, view, n, range);
  }
}

void SmLastChecker::JudgeAdvance(const MemberProbe& sm, const View& view, uint64_t number,
                                 const multicast::Position& position) {
  if (position.slot >= view.members.size()) {
    stage_.Fail(kName, "log record %llu names slot %u", Ull(number), position.slot);
    return;
  }
  for (size_t slot = 1; slot < view.members.size(); ++slot) {
    const auto& other = view.members[slot];
    if (other.status != MemberStatus::kFull) continue;
    auto& acked = acks_[{sm.id(), view.epoch, other.id, other.incarnation}].acked;
    multicast::Seq seq = acked[{position.slot, position.stream}];
    if (seq < position.seq) {
      stage_.Fail(kName,
                  "SM %u commits #%llu: slot %u stream %u up to %llu, but member %u acked %llu",
                  sm.id().value(), Ull(number), position.slot, position.stream, Ull(position.seq),
                  other.id.value(), Ull(seq));
    }
  }
  const auto& owner = view.members[position.slot];
  auto middles = middles_.find({owner.id, owner.incarnation, position.stream});
  if (middles != middles_.end() && middles->second.contains(position.seq)) {
    stage_.Fail("message-end", "SM %u commits #%llu up to record %llu, where no message ends",
                sm.id().value(), Ull(number), Ull(position.seq));
  }
}

void SmLastChecker::JudgeAborted(const MemberProbe& sm, const View& view, uint64_t number,
                                 const multicast::Range& range) {
  if (range.slot >= view.members.size()) return;
  const auto& owner = view.members[range.slot];
  std::pair<Owner, multicast::Seq> key{{owner.id, owner.incarnation, range.stream}, range.to};
  if (!closed_.insert(key).second) return;
  for (size_t slot = 1; slot < view.members.size(); ++slot) {
    const auto& other = view.members[slot];
    if (other.status != MemberStatus::kFull) continue;
    if (abort_acks_[{sm.id(), other.id, other.incarnation}].contains(key)) continue;
    stage_.Fail(kName, "SM %u closes abort #%llu of %u/%u:%llu before the ABORT_ACK of member %u",
                sm.id().value(), Ull(number), range.slot, range.stream, Ull(range.to),
                other.id.value());
  }
}

}  // namespace strata::simulation

#include "tests/simulation/economy_checker.h"

#include <algorithm>
#include <set>

namespace strata::simulation {

namespace {
constexpr Duration kTailFoundWithin = std::chrono::milliseconds(60);
}

Economy& Economy::operator+=(const Economy& other) {
  gaps += other.gaps;
  requests += other.requests;
  lost_bytes += other.lost_bytes;
  repair_bytes += other.repair_bytes;
  return *this;
}

bool Economy::Good(uint64_t spare_requests, uint64_t spare_bytes) const {
  return requests <= 2 * gaps + spare_requests &&
         10 * repair_bytes <= 13 * lost_bytes + 10 * spare_bytes;
}

void EconomyChecker::OnTransmit(const MemberProbe& from, const Packet& packet, Sent) {
  counted_ = nullptr;
  if (const auto* resend = packet.As<multicast::Resend>()) NoteRequests(from, *resend);
  const auto* data = packet.As<DataNote>();
  if (data == nullptr) return;
  bool repair = (data->flags & multicast::kRepair) != 0;
  for (const RecordNote& record : data->records) {
    if (repair) {
      economy_.repair_bytes += record.bytes;
    } else {
      tails_[{from.id(), record.stream}] = {.last = record.seq};
    }
  }
}

void EconomyChecker::NoteRequests(const MemberProbe& from, const multicast::Resend& resend) {
  economy_.requests += resend.requests.size();
  const auto& members = from.view().members;
  for (const auto& request : resend.requests) {
    if (request.slot >= members.size()) continue;
    Tail& tail = tails_[{members[request.slot].id, request.stream}];
    if (tail.lost == Timestamp::Never() || request.from + request.count <= tail.last) continue;
    if (stage_.now() - tail.lost > kTailFoundWithin) {
      stage_.Fail("tail", "the last packet of stream %u/%u was lost and missed only after %.1f ms",
                  members[request.slot].id.value(), request.stream,
                  Seconds(stage_.now() - tail.lost) * 1e3);
    }
    tail.lost = Timestamp::Never();
  }
}

void EconomyChecker::OnLost(const MemberProbe&, const Packet& packet) {
  const auto* data = packet.As<DataNote>();
  if (data == nullptr || counted_ == &packet) return;
  counted_ = &packet;
  std::set<multicast::StreamId> streams;
  for (const RecordNote& record : data->records) {
    economy_.lost_bytes += record.bytes;
    streams.insert(record.stream);
    Tail& tail = tails_[{packet.header().sender, record.stream}];
    bool repair = (data->flags & multicast::kRepair) != 0;
    if (!repair && tail.last == record.seq) tail.lost = stage_.now();
  }
  economy_.gaps += streams.size();
}

void EconomyChecker::OnEnd(const MemberProbe&) {
  if (!economy_.Good(20, 30000)) {
    stage_.Fail("economy", "%llu requests for %llu gaps, %llu bytes sent again for %llu lost",
                static_cast<unsigned long long>(economy_.requests),
                static_cast<unsigned long long>(economy_.gaps),
                static_cast<unsigned long long>(economy_.repair_bytes),
                static_cast<unsigned long long>(economy_.lost_bytes));
  }
}

}  // namespace strata::simulation

#include "multicast/wire/views.h"

#include <algorithm>

#include "multicast/wire/codec.h"

namespace strata::multicast {
namespace {

using namespace internal;  // NOLINT(google-build-using-namespace): the room's own pieces.

constexpr uint8_t kFanOut = 0x01;
constexpr uint8_t kQuorumNone = 0x02;
constexpr size_t kProposalBytesMin = 12 + 4 + 8 + 2 + 2;
constexpr size_t kQuorumBytesMin = 8;
constexpr size_t kPositionsMax = kMaxMembers * kStreamSlots;

bool HasNobodyOrTwice(std::vector<MemberId> ids) {
  std::sort(ids.begin(), ids.end());
  return ids.front() == MemberId() || std::adjacent_find(ids.begin(), ids.end()) != ids.end();
}

bool IsWellFormed(const View& view) {
  if (view.members.empty() || view.number == 0 || view.epoch.counter == 0 || view.version == 0) {
    return false;
  }
  std::vector<MemberId> ids;
  ids.reserve(view.members.size());
  for (const MemberInfo& member : view.members) ids.push_back(member.id);
  return !HasNobodyOrTwice(std::move(ids));
}

std::vector<MemberId> TakeQuorum(ByteReader& in) {
  const size_t count = in.U8();
  in.Skip(3);
  if (count == 0 || count > kMaxMembers) in.Fail();
  std::vector<MemberId> quorum = TakeList(
      in, count, sizeof(uint32_t), [](ByteReader& reader) { return MemberId(reader.U32()); });
  if (in.ok() && HasNobodyOrTwice(quorum)) in.Fail();
  return quorum;
}

void PutQuorums(const std::vector<std::vector<MemberId>>& quorums, ByteWriter& out) {
  for (const std::vector<MemberId>& quorum : quorums) {
    PutCount<uint8_t>(quorum.size(), out, kMaxMembers);
    PutZeros(3, out);
    for (const MemberId id : quorum) out.U32(id.value());
  }
}

}  // namespace

namespace internal {

LogRecord TakeAnyRecord(ByteReader& in) { return TakeLogRecord(in, /*view_allowed=*/true); }

ViewProposal TakeProposal(ByteReader& in) {
  ViewProposal proposal;
  proposal.ballot = TakeEpoch(in);
  const size_t quorums = in.U8();
  in.Skip(3);
  if (quorums == 0 || quorums > kMaxQuorums) in.Fail();
  proposal.quorums = TakeList(in, quorums, kQuorumBytesMin, TakeQuorum);
  proposal.view = DecodeView(in);
  proposal.log_first = in.U64();
  const size_t records = in.U16();
  const size_t positions = in.U16();
  const bool ends_at_view = proposal.log_first > 0 &&
                            proposal.log_first <= proposal.view.log_number &&
                            proposal.view.log_number - proposal.log_first == records;
  if (!ends_at_view || positions > kPositionsMax) in.Fail();
  proposal.records = TakeList(in, records, kLogRecordBytesMin, TakeAnyRecord);
  proposal.positions = TakeList(in, positions, kPositionBytes, TakePosition);
  return proposal;
}

}  // namespace internal

void Encode(const View& view, ByteWriter& out) {
  internal::Put(view.epoch, out);
  out.U32(view.number);
  out.U8(view.version);
  out.U8(static_cast<uint8_t>((view.fan_out ? kFanOut : 0) | (view.quorum_none ? kQuorumNone : 0)));
  PutCount<uint8_t>(view.members.size(), out, kMaxMembers);
  out.U8(0);
  out.U64(view.log_number);
  PutAll(view.members, out);
}

View DecodeView(ByteReader& in) {
  View view;
  view.epoch = TakeEpoch(in);
  view.number = in.U32();
  view.version = in.U8();
  const uint8_t flags = in.U8();
  view.fan_out = (flags & kFanOut) != 0;
  view.quorum_none = (flags & kQuorumNone) != 0;
  const size_t members = in.U8();
  in.Skip(1);
  view.log_number = in.U64();
  if (members > kMaxMembers) in.Fail();
  view.members = TakeList(in, members, kMemberBytes, TakeMember);
  if (in.ok() && !IsWellFormed(view)) in.Fail();
  return view;
}

void Encode(const LogRecord& record, ByteWriter& out) { internal::Put(record, out); }
void Encode(const MemberInfo& member, ByteWriter& out) { internal::Put(member, out); }

void Encode(const ViewProposal& body, ByteWriter& out) {
  internal::Put(body.ballot, out);
  PutCount<uint8_t>(body.quorums.size(), out, kMaxQuorums);
  PutZeros(3, out);
  PutQuorums(body.quorums, out);
  Encode(body.view, out);
  out.U64(body.log_first);
  PutCount<uint16_t>(body.records.size(), out);
  PutCount<uint16_t>(body.positions.size(), out, kPositionsMax);
  PutAll(body.records, out);
  PutAll(body.positions, out);
}

Decoded<ViewProposal> DecodeViewProposal(ByteSpan body) {
  ByteReader in(body);
  ViewProposal proposal = TakeProposal(in);
  return Result(std::move(proposal), in);
}

size_t EncodedSizeMax(const View& view) {
  return kViewBytesMin + view.members.size() * kMemberBytes;
}

size_t EncodedSizeMax(const LogRecord& record) { return SizeOf(record); }

size_t EncodedSizeMax(const ViewProposal& proposal) {
  size_t bytes = kProposalBytesMin;
  for (const std::vector<MemberId>& quorum : proposal.quorums) bytes += 4 + quorum.size() * 4;
  return bytes + EncodedSizeMax(proposal.view) + SizeOf(proposal.records) +
         proposal.positions.size() * kPositionBytes;
}

}  // namespace strata::multicast

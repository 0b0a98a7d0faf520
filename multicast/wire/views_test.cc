#include "multicast/wire/views.h"

#include <gtest/gtest.h>

#include "multicast/wire/test_values.h"

namespace strata::multicast {
namespace {

using testing::CannotEncode;
using testing::Encoded;
using testing::IsMalformed;
using testing::With;
using testing::WithNumber;

View ViewOf(size_t members) {
  View view;
  view.epoch = {1, MemberId(1)};
  view.number = 1;
  view.log_number = 1;
  view.members.resize(members);
  for (size_t i = 0; i < members; ++i) view.members[i].id = MemberId(static_cast<uint32_t>(i + 1));
  return view;
}

ViewProposal ProposalOf(const View& view) {
  ViewProposal proposal;
  proposal.ballot = view.epoch;
  proposal.quorums = {{MemberId(1), MemberId(2), MemberId(3)}};
  proposal.view = view;
  proposal.log_first = view.log_number;
  return proposal;
}

bool IsView(const Bytes& bytes) {
  ByteReader in(bytes);
  DecodeView(in);
  return in.AtEnd();
}

// As a JOIN has it: before 24 bytes of other fields.
bool IsMember(const Bytes& bytes) {
  Bytes join = bytes;
  join.resize(bytes.size() + 24);
  return !IsMalformed(DecodeJoin(join));
}

TEST(MemberTest, RefusesWhoHasNoIdRoleStatusOrVersion) {
  const Bytes bytes = Encoded(ViewOf(1).members[0]);
  ASSERT_EQ(bytes.size(), 52u);
  EXPECT_TRUE(IsMember(bytes));
  EXPECT_FALSE(IsMember(WithNumber(bytes, 0, 4, 0)));
  EXPECT_FALSE(IsMember(With(bytes, 4, 0)));
  EXPECT_TRUE(IsMember(With(bytes, 4, 5)));
  EXPECT_FALSE(IsMember(With(bytes, 4, 6)));
  EXPECT_TRUE(IsMember(With(bytes, 5, 3)));
  EXPECT_FALSE(IsMember(With(bytes, 5, 4)));
  EXPECT_FALSE(IsMember(With(bytes, 24, 0)));
  EXPECT_FALSE(IsMember(With(bytes, 24, 2)));  // Lowest version above the highest.
  EXPECT_TRUE(IsMember(With(bytes, 25, 2)));
}

TEST(MemberTest, HasAnAddressOfAKnownFamily) {
  const Bytes bytes = Encoded(ViewOf(1).members[0]);
  EXPECT_TRUE(IsMember(With(bytes, 26, 4)));
  EXPECT_TRUE(IsMember(With(bytes, 26, 6)));
  EXPECT_FALSE(IsMember(With(bytes, 26, 0)));
  EXPECT_FALSE(IsMember(With(bytes, 26, 5)));
}

TEST(MemberTest, HasAnMtuOf16Bits) {
  const Bytes bytes = Encoded(ViewOf(1).members[0]);
  EXPECT_TRUE(IsMember(WithNumber(bytes, 32, 4, 65535)));
  EXPECT_FALSE(IsMember(WithNumber(bytes, 32, 4, 65536)));
}

TEST(ViewTest, HasBetweenOneAnd64Members) {
  EXPECT_TRUE(IsView(Encoded(ViewOf(1))));
  EXPECT_TRUE(IsView(Encoded(ViewOf(64))));
  EXPECT_FALSE(IsView(Encoded(ViewOf(0))));
  EXPECT_TRUE(CannotEncode(ViewOf(65)));
  Bytes bytes = Encoded(ViewOf(64));
  const Bytes member = Encoded(ViewOf(65).members[64]);
  bytes.insert(bytes.end(), member.begin(), member.end());
  EXPECT_FALSE(IsView(With(bytes, 18, 65)));
}

TEST(ViewTest, NamesEachMemberOnce) {
  View view = ViewOf(3);
  view.members[2].id = view.members[0].id;
  EXPECT_FALSE(IsView(Encoded(view)));
}

TEST(ViewTest, HasAnEpochANumberAndAVersion) {
  const Bytes bytes = Encoded(ViewOf(1));
  EXPECT_FALSE(IsView(WithNumber(bytes, 0, 8, 0)));
  EXPECT_FALSE(IsView(WithNumber(bytes, 12, 4, 0)));
  EXPECT_FALSE(IsView(With(bytes, 16, 0)));
}

TEST(ViewProposalTest, HasOneToEightQuorums) {
  ViewProposal proposal = ProposalOf(ViewOf(3));
  EXPECT_FALSE(IsMalformed(DecodeViewProposal(Encoded(proposal))));
  proposal.quorums.resize(8, proposal.quorums[0]);
  EXPECT_FALSE(IsMalformed(DecodeViewProposal(Encoded(proposal))));
  Bytes bytes = Encoded(proposal);
  bytes.insert(bytes.begin() + 16, bytes.begin() + 16, bytes.begin() + 32);
  EXPECT_TRUE(IsMalformed(DecodeViewProposal(With(bytes, 12, 9))));
  proposal.quorums.resize(9, proposal.quorums[0]);
  EXPECT_TRUE(CannotEncode(proposal));
  proposal.quorums.clear();
  EXPECT_TRUE(IsMalformed(DecodeViewProposal(Encoded(proposal))));
}

TEST(ViewProposalTest, HasQuorumsOfDifferentMembers) {
  ViewProposal proposal = ProposalOf(ViewOf(3));
  proposal.quorums = {{}};
  EXPECT_TRUE(IsMalformed(DecodeViewProposal(Encoded(proposal))));
  proposal.quorums = {{MemberId(0)}};
  EXPECT_TRUE(IsMalformed(DecodeViewProposal(Encoded(proposal))));
  proposal.quorums = {{MemberId(2), MemberId(1), MemberId(2)}};
  EXPECT_TRUE(IsMalformed(DecodeViewProposal(Encoded(proposal))));
  proposal.quorums = {std::vector<MemberId>(65)};
  EXPECT_TRUE(CannotEncode(proposal));
}

TEST(ViewProposalTest, HasALogThatEndsBeforeItsView) {
  View view = ViewOf(1);
  view.log_number = 5;
  ViewProposal proposal = ProposalOf(view);
  proposal.log_first = 3;
  proposal.records.resize(2);
  EXPECT_FALSE(IsMalformed(DecodeViewProposal(Encoded(proposal))));
  proposal.records.resize(1);
  EXPECT_TRUE(IsMalformed(DecodeViewProposal(Encoded(proposal))));
  proposal.log_first = 6;
  EXPECT_TRUE(IsMalformed(DecodeViewProposal(Encoded(proposal))));
  proposal.view.log_number = 1;
  proposal.log_first = 0;
  EXPECT_TRUE(IsMalformed(DecodeViewProposal(Encoded(proposal))));
}

TEST(ViewProposalTest, HasAPositionForEachStreamAtMost) {
  ViewProposal proposal = ProposalOf(ViewOf(1));
  proposal.positions.resize(576);
  EXPECT_FALSE(IsMalformed(DecodeViewProposal(Encoded(proposal))));
  proposal.positions.resize(577);
  EXPECT_TRUE(CannotEncode(proposal));
}

TEST(LogRecordTest, OfAViewHasAViewAndNoCount) {
  LogRecord record;
  record.kind = LogRecord::Kind::kView;
  EXPECT_TRUE(CannotEncode(record));
  record.view = ViewOf(2);
  ViewProposal proposal = ProposalOf(ViewOf(1));
  proposal.view.log_number = 2;
  proposal.records = {record};
  const Bytes bytes = Encoded(proposal);
  EXPECT_FALSE(IsMalformed(DecodeViewProposal(bytes)));
  const size_t record_at = bytes.size() - EncodedSizeMax(record);
  EXPECT_TRUE(IsMalformed(DecodeViewProposal(With(bytes, record_at + 1, 1))));
}

TEST(ReportTest, RefusesAnUnknownStatusAndTooManyPositions) {
  Report report;
  report.self = ViewOf(1).members[0];
  const Bytes bytes = Encoded(report);
  EXPECT_FALSE(IsMalformed(DecodeReport(bytes)));
  EXPECT_TRUE(IsMalformed(DecodeReport(With(bytes, 24, 4))));
  report.positions.resize(577);
  EXPECT_TRUE(CannotEncode(report));
  report.positions.resize(576);
  Bytes longest = Encoded(report);
  longest.insert(longest.end(), longest.end() - 12, longest.end());
  EXPECT_TRUE(IsMalformed(DecodeReport(WithNumber(longest, 26, 2, 577))));
}

TEST(ReportTest, HasTheViewsThatItsFlagsAnnounce) {
  Report report;
  report.self = ViewOf(1).members[0];
  const Bytes bytes = Encoded(report);
  EXPECT_TRUE(IsMalformed(DecodeReport(With(bytes, 25, 0x02))));
  EXPECT_TRUE(IsMalformed(DecodeReport(With(bytes, 25, 0x04))));
}

TEST(JoinRefusedTest, KeepsReasonsOfLaterVersions) {
  EXPECT_EQ(std::get<JoinRefused>(DecodeJoinRefused(Bytes{0x12, 0x34, 0, 0})).reason, 0x1234);
}

}  // namespace
}  // namespace strata::multicast

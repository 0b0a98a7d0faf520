#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "multicast/wire/packets.h"
#include "multicast/wire/seal.h"
#include "multicast/wire/test_values.h"

// Counts what the program allocates: nothing on the hot path, and never more than a packet
// warrants.

namespace {

size_t allocated_bytes = 0;

}  // namespace

void* operator new(size_t bytes) {
  allocated_bytes += bytes;
  void* memory = std::malloc(bytes);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace strata::multicast {
namespace {

template <class Run>
size_t AllocatedBy(Run run) {
  const size_t before = allocated_bytes;
  run();
  return allocated_bytes - before;
}

TEST(AllocationTest, DataIsWrittenAndReadWithoutAny) {
  const Bytes payload(100, 1);
  Bytes buffer(1400);
  const size_t allocated = AllocatedBy([&] {
    ByteWriter out(buffer);
    DataWriter writer(out);
    Record record;
    record.flags = kInit | kNoMore;
    record.payload = payload;
    for (record.seq = 1; writer.Add(record); ++record.seq) continue;
    writer.Finish(0, 0);
    DataReader reader(out.written());
    ASSERT_FALSE(reader.Check().has_value());
    while (reader.Next()) continue;
  });
  EXPECT_EQ(allocated, 0u);
}

TEST(AllocationTest, DatagramsAreSealedAndOpenedWithoutAnyOnceTheSenderIsKnown) {
  KeyRing ring;
  ASSERT_TRUE(ring.Add(1, Bytes(16)).ok());
  Sealer sealer(GroupId(1), ring);
  Opener opener(GroupId(1), MemberId(1), ring);
  Bytes datagram(1400);
  Header header;
  header.group = GroupId(1);
  header.sender = MemberId(2);
  const auto pass = [&] {
    Encode(header, std::span(datagram).first<kHeaderBytes>());
    sealer.Seal(datagram);
    ASSERT_TRUE(std::holds_alternative<Opener::Opened>(opener.Open(datagram)));
  };
  pass();
  EXPECT_EQ(AllocatedBy(pass), 0u);
}

// Bodies of all ones announce as much of everything as a count can say.
TEST(AllocationTest, CountsWithoutContentReserveNothing) {
  for (size_t size = 0; size < 300; ++size) {
    const Bytes body(size, 0xff);
    const size_t allocated = AllocatedBy([&] {
      EXPECT_TRUE(testing::IsMalformed(DecodeAck(body)));
      EXPECT_TRUE(testing::IsMalformed(DecodeCommit(body)));
      EXPECT_TRUE(testing::IsMalformed(DecodeResend(body)));
      EXPECT_TRUE(testing::IsMalformed(DecodeHeartbeat(body)));
      EXPECT_TRUE(testing::IsMalformed(DecodeRanges(body)));
      EXPECT_TRUE(testing::IsMalformed(DecodeViewProposal(body)));
      EXPECT_TRUE(testing::IsMalformed(DecodeReport(body)));
    });
    EXPECT_LE(allocated, 10 * size) << size;
  }
}

// The cheapest list there is: empty log records, four bytes each.
TEST(AllocationTest, TheLargestBodyOfTheSmallestRecordsStaysWithinItsFactor) {
  Commit commit;
  commit.first = 1;
  commit.records.resize(65535);
  const Bytes body = testing::Encoded(commit);
  const size_t allocated =
      AllocatedBy([&] { EXPECT_FALSE(testing::IsMalformed(DecodeCommit(body))); });
  EXPECT_LE(allocated, 64 * body.size());
}

}  // namespace
}  // namespace strata::multicast

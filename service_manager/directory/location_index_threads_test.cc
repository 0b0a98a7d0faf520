#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "service_manager/directory/location_digest.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/directory/location_reader.h"

// Readers beside a writer; under --config=tsan also a search for races.

namespace strata::manager::directory {
namespace {

constexpr uint64_t kKeys = 20000;
constexpr uint64_t kSteadyEvery = 16;  // These keys are never without holder 0, of flags kComplete.
constexpr uint32_t kHolders = 8;

farm::ContentKey Key(uint64_t n) { return {.high = Mixed(n), .low = Mixed(~n)}; }

// The flags of every other holder follow from key and holder, so that a reader knows a torn read.
LocationFlags FlagsOf(uint64_t n, uint32_t holder) {
  return holder == 0 ? kComplete : static_cast<LocationFlags>(Mixed(n) + holder);
}

void CheckRead(LocationReader::Session& session, uint64_t n) {
  std::array<Location, kHolders + 1> found;
  const size_t count = session.Find(Key(n), found);
  ASSERT_LE(count, kHolders);
  bool steady = n % kSteadyEvery != 0;
  for (size_t i = 0; i < count; ++i) {
    ASSERT_LT(found[i].holder.value(), kHolders);
    ASSERT_EQ(found[i].flags, FlagsOf(n, found[i].holder.value()));
    steady = steady || found[i].holder == Holder(0);
  }
  ASSERT_TRUE(steady) << "a holder that is there all the time was not found";
}

void Read(LocationIndex& index, uint64_t seed, const std::atomic<bool>& stop) {
  SeededRandom random(seed);
  StatusOr<LocationReader> reader = LocationReader::Register(index);
  ASSERT_TRUE(reader.ok());
  while (!stop.load(std::memory_order_relaxed)) {
    LocationReader::Session session(*reader);
    const uint64_t reads = random.Below(50);
    for (uint64_t i = 0; i < reads && !testing::Test::HasFatalFailure(); ++i) {
      CheckRead(session, random.Below(kKeys));
    }
    if (!random.Chance(0.05)) continue;
    session.VisitPart(static_cast<uint32_t>(random.Below(kParts)),
                      [](const farm::ContentKey&, std::span<const Location>) {});
  }
}

void Write(LocationIndex& index, SeededRandom& random, uint64_t n) {
  const uint64_t steady = n % kSteadyEvery == 0 ? 1 : 0;
  const auto holder = static_cast<uint32_t>(steady + random.Below(kHolders - steady));
  if (random.Chance(0.55)) {
    index.Add(Key(n), {.holder = Holder(holder), .flags = FlagsOf(n, holder)});
  } else {
    index.Remove(Key(n), Holder(holder));
  }
}

TEST(LocationIndexThreadsTest, ReadersSeeWholeLocationsBesideAWriter) {
  SeededRandom random(1);
  LocationIndex index(random);
  for (uint64_t n = 0; n < kKeys; n += kSteadyEvery) {
    index.Add(Key(n), {.holder = Holder(0), .flags = kComplete});
  }
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    readers.emplace_back([&, seed] { Read(index, seed, stop); });
  }
  for (int i = 0; i < 300000; ++i) Write(index, random, random.Below(kKeys));
  for (uint64_t n = 0; n < 4 * kKeys; ++n) {  // Growth, far beyond what is read.
    index.Add(Key(kKeys + n), {.holder = Holder(1), .flags = 0});
  }
  HolderRemoval removal{.holder = Holder(1)};
  while (!removal.done()) index.Continue(removal, 1000, [](const auto&, const auto&) {});
  stop = true;
  for (std::thread& reader : readers) reader.join();
  index.Reclaim();
  EXPECT_EQ(index.retired(), 0u);
}

}  // namespace
}  // namespace strata::manager::directory

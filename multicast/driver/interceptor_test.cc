#include "multicast/driver/interceptor.h"

#include <cstdint>
#include <map>
#include <vector>

#include "common/bytes.h"
#include "gtest/gtest.h"

namespace strata::multicast {
namespace {

using Verdict = Interceptor::Verdict;

std::vector<Verdict> Verdicts(LossyLink::Odds odds, uint64_t seed, int count) {
  LossyLink link(odds, seed);
  std::vector<Verdict> verdicts;
  for (int i = 0; i < count; ++i) verdicts.push_back(link.OnDatagram(Channel::kData, ByteSpan()));
  return verdicts;
}

TEST(LossyLinkTest, PassesEverythingWithoutOdds) {
  EXPECT_EQ(Verdicts({}, 1, 100), std::vector<Verdict>(100, Verdict::kPass));
}

TEST(LossyLinkTest, DropsEverythingWhenCertain) {
  EXPECT_EQ(Verdicts({.drop = 1}, 1, 100), std::vector<Verdict>(100, Verdict::kDrop));
}

TEST(LossyLinkTest, DoesTheSameForTheSameSeed) {
  LossyLink::Odds odds = {.drop = 0.3, .duplicate = 0.3};
  EXPECT_EQ(Verdicts(odds, 5, 1000), Verdicts(odds, 5, 1000));
  EXPECT_NE(Verdicts(odds, 5, 1000), Verdicts(odds, 6, 1000));
}

TEST(LossyLinkTest, KeepsToItsOdds) {
  std::map<Verdict, int> counts;
  for (Verdict v : Verdicts({.drop = 0.1, .duplicate = 0.5}, 7, 10000)) ++counts[v];
  EXPECT_NEAR(counts[Verdict::kDrop], 1000, 150);
  EXPECT_NEAR(counts[Verdict::kDuplicate], 4500, 250);
}

}  // namespace
}  // namespace strata::multicast

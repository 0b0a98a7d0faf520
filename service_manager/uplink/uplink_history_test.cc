#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/random.h"
#include "service_manager/uplink/test_family.h"

// Whatever happens to the directory, the link, the policy and who leads: once it is quiet the
// parent knows what policy says.
namespace strata::manager::uplink {
namespace {

using federation::Forward;
using std::chrono::milliseconds;
using testing::TestFamily;
using testing::TestManager;

constexpr int kContents = 60;
constexpr int kEngines = 4;
constexpr int kSteps = 1200;

class History : public ::testing::TestWithParam<uint64_t> {
 protected:
  void Run(uint32_t level) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    family_ = std::make_unique<TestFamily>(level);
    level_ = level;
    Uplink::Options& options = child().options();
    options.limits.uri_wait = milliseconds(random_.Below(30));
    options.limits.walk_contents = 1 + random_.Below(20);
    if (random_.Chance(0.3)) options.limits.pieces_max = 5 + random_.Below(40);
    if (random_.Chance(0.3)) options.limits.uri_waiting_max = random_.Below(5);
    if (begins_anew_ && random_.Chance(0.3)) {
      options.feed.kept_records_max = 5 + random_.Below(40);
    }
    options.feed.read_items = 1 + random_.Below(10);
    child().SetPolicy(RandomPolicy());
    for (int i = 0; i < 50; ++i) Change();
    child().Commit();
    family_->Begin();
    for (int step = 0; step < kSteps && !HasFailure(); ++step) Step();
    child().Commit();
    EXPECT_EQ(family_->Difference(uris_), "");
  }

 private:
  TestManager& child() { return family_->child(); }
  int AnyContent() { return static_cast<int>(random_.Below(kContents)); }

  std::shared_ptr<const federation::ForwardingMatcher> RandomPolicy() {
    std::vector<federation::ForwardingRule> rules;
    for (uint64_t i = random_.Below(4); i > 0; --i) {
      federation::ForwardingRule rule{.forward = static_cast<Forward>(random_.Below(3))};
      if (random_.Chance(0.5)) rule.site = "films" + std::to_string(random_.Below(3));
      if (random_.Chance(0.3)) {
        rule.uri_prefix = "http://films" + std::to_string(random_.Below(3)) + ".example/a/";
      }
      if (random_.Chance(0.3)) rule.kind = static_cast<farm::AssetKind>(random_.Below(2));
      rules.push_back(rule);
    }
    return testing::PolicyOf(std::move(rules));
  }

  void Change() {
    const int engine = 1 + static_cast<int>(random_.Below(kEngines));
    const int content = AnyContent();
    if (random_.Chance(0.5)) {
      child().Put(engine, content,
                  {.flags = static_cast<directory::LocationFlags>(random_.Below(4)),
                   .size = random_.Below(3),
                   .with_uri = random_.Chance(0.8)});
    } else {
      child().Remove(engine, content);
    }
    if (level_ == 1 && random_.Chance(0.3)) child().TellUri(AnyContent());
    if (random_.Chance(0.2)) child().Commit();
  }

  void Step() {
    const uint64_t kind = random_.Below(200);
    if (kind < 2) {
      child().SetPolicy(RandomPolicy());
    } else if (kind == 2 && begins_anew_) {
      child().Commit();
      child().Cease();
      for (uint64_t i = random_.Below(10); i > 0; --i) Change();
      family_->Begin();
    } else if (kind < 5) {
      family_->cable().Break();
    } else if (kind < 7) {
      child().Commit();
      EXPECT_EQ(family_->Difference(uris_), "");
    } else if (kind < 12 && level_ == 2) {
      child().TellAnew(AnyContent());
    } else {
      Change();
    }
  }

  SeededRandom random_{GetParam()};
  const bool begins_anew_ = GetParam() % 2 == 1;
  const TestFamily::Uris uris_ =
      begins_anew_ ? TestFamily::Uris::kIgnore : TestFamily::Uris::kCompare;
  std::unique_ptr<TestFamily> family_;
  uint32_t level_ = 0;
};

TEST_P(History, OfAFarm) { Run(1); }
TEST_P(History, AboveLevelOne) { Run(2); }

INSTANTIATE_TEST_SUITE_P(Seeds, History, ::testing::Range<uint64_t>(0, 8));

}  // namespace
}  // namespace strata::manager::uplink

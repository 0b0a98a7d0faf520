#include "service_manager/federation/policy/projection.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "common/random.h"
#include "service_manager/directory/location.h"
#include "service_manager/federation/policy/forwarding_matcher.h"

namespace strata::manager::federation {
namespace {

using directory::Holder;
using directory::kComplete;
using directory::kLibrary;
using directory::Location;
using directory::LocationFlags;

constexpr Holder kScope(100);
constexpr Treatment kLibraryInFull = {.library = Forward::kFull, .cache = Forward::kScope};

Location At(uint32_t holder, LocationFlags flags) {
  return {.holder = Holder(holder), .flags = flags};
}
std::vector<Location> Projected(std::vector<Location> copies, const Treatment& treatment) {
  const Projection projection = ProjectionOf(copies, treatment, kScope);
  return {projection.begin(), projection.end()};
}

TEST(ProjectionTest, FullPutsEachHolderInOrder) {
  EXPECT_EQ(Projected({At(3, 0), At(1, kLibrary)}, {}), (std::vector{At(1, kLibrary), At(3, 0)}));
}

TEST(ProjectionTest, ScopePutsTheScopeWithAllFlags) {
  const Treatment scope{.library = Forward::kScope, .cache = Forward::kScope};
  EXPECT_EQ(Projected({At(3, kComplete), At(1, kLibrary)}, scope),
            (std::vector{At(100, kComplete | kLibrary)}));
  EXPECT_TRUE(Projected({}, scope).empty());
}

TEST(ProjectionTest, EachCopyIsForwardedByItsKind) {
  EXPECT_EQ(
      Projected({At(200, kLibrary), At(2, kComplete), At(3, 0), At(4, kLibrary)}, kLibraryInFull),
      (std::vector{At(4, kLibrary), At(100, kComplete), At(200, kLibrary)}));
  EXPECT_EQ(Projected({At(1, kLibrary), At(2, 0)}, {.cache = Forward::kNone}),
            std::vector{At(1, kLibrary)});
}

CopyChanges Projected(const CopyChange& change, const std::vector<Location>& copies,
                      const Treatment& treatment) {
  return ProjectedChangeOf(change, copies, treatment, kScope);
}

TEST(ProjectionTest, TheScopeComesWithTheFirstCopyAndGoesWithTheLast) {
  const Treatment scope{.cache = Forward::kScope};
  const CopyChange comes{.holder = Holder(1), .after = 0};
  const CopyChange goes{.holder = Holder(1), .before = 0};
  EXPECT_EQ(Projected(comes, {At(1, 0)}, scope), (CopyChanges{{.holder = kScope, .after = 0}}));
  EXPECT_EQ(Projected(comes, {At(1, 0), At(2, 0)}, scope), CopyChanges{});
  EXPECT_EQ(Projected(goes, {At(2, 0)}, scope), CopyChanges{});
  EXPECT_EQ(Projected(goes, {}, scope), (CopyChanges{{.holder = kScope, .before = 0}}));
}

TEST(ProjectionTest, ACopyThatChangesItsKindMovesBetweenTwoHolders) {
  const CopyChange change{.holder = Holder(200), .before = 0, .after = kLibrary};
  EXPECT_EQ(
      Projected(change, {At(200, 0)}, kLibraryInFull),
      (CopyChanges{{.holder = kScope, .before = 0}, {.holder = Holder(200), .after = kLibrary}}));
}

TEST(ProjectionTest, ACopyToldAnewIsToldAnewIfTheParentKnowsIt) {
  const CopyChange anew{.holder = Holder(1), .before = kLibrary, .after = kLibrary};
  EXPECT_EQ(Projected(anew, {At(1, kLibrary)}, {}), CopyChanges{anew});
  EXPECT_EQ(Projected(anew, {At(1, kLibrary)}, {.library = Forward::kScope}), CopyChanges{});
  EXPECT_EQ(Projected(anew, {At(1, kLibrary)}, {.library = Forward::kNone}), CopyChanges{});
}

TEST(ProjectionTest, TheDifferenceTellsWhatWasBefore) {
  const std::vector before = {At(1, 0), At(2, kLibrary), At(4, 0)};
  const std::vector after = {At(2, kComplete), At(3, 0), At(4, 0)};
  EXPECT_EQ(DifferenceOf(before, after),
            (CopyChanges{{.holder = Holder(1), .before = 0},
                         {.holder = Holder(2), .before = kLibrary, .after = kComplete},
                         {.holder = Holder(3), .after = 0}}));
}

// ---- Step by step, from seeds.

Treatment SomeTreatment(RandomSource& random) {
  return {.library = static_cast<Forward>(random.Below(3)),
          .cache = static_cast<Forward>(random.Below(3))};
}

// The index's copies of a content, and what the parent was told of them.
struct Told {
  std::map<Holder, LocationFlags> index;
  std::map<Holder, LocationFlags> parent;
  Treatment treatment;

  std::vector<Location> Copies() const {
    std::vector<Location> copies;
    for (const auto& [holder, flags] : index) copies.push_back({holder, flags});
    return copies;
  }
  Projection Now() const { return ProjectionOf(Copies(), treatment, kScope); }
  // Each says rightly what was before.
  void Tell(const CopyChanges& changes) {
    for (const CopyChange& change : changes) {
      const auto it = parent.find(change.holder);
      ASSERT_EQ(change.before.has_value(), it != parent.end());
      if (it != parent.end()) {
        ASSERT_EQ(*change.before, it->second);
        parent.erase(it);
      }
      if (change.after.has_value()) parent[change.holder] = *change.after;
    }
  }
  void Change(RandomSource& random) {
    CopyChange change{.holder = Holder(static_cast<uint32_t>(95 + random.Below(12)))};
    if (change.holder == kScope) return;
    const auto it = index.find(change.holder);
    if (it != index.end()) change.before = it->second;
    if (random.Chance(0.6)) change.after = static_cast<LocationFlags>(random.Below(4));
    if (!change.before.has_value() && !change.after.has_value()) return;
    const std::vector<Location> before = Copies();
    index.erase(change.holder);
    if (change.after.has_value()) index[change.holder] = *change.after;
    const CopyChanges changes = ProjectedChangeOf(change, Copies(), treatment, kScope);
    ASSERT_EQ(changes, ProjectedChangeOf(change, before, treatment, kScope));
    ASSERT_LE(changes.size(), 2u);
    Tell(changes);
  }
  void Treat(const Treatment& next) {
    const Projection before = Now();
    treatment = next;
    Tell(DifferenceOf(before, Now()));
  }
};

TEST(ProjectionTest, DifferencesStepByStepMakeTheProjectionAtOnce) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    Told told;
    for (int i = 0; i < 300; ++i) {
      random.Chance(0.05) ? told.Treat(SomeTreatment(random)) : told.Change(random);
      const Projection now = told.Now();
      ASSERT_EQ(now.size(), told.parent.size());
      for (const Location& location : now) {
        ASSERT_EQ(told.parent.at(location.holder), location.flags);
      }
      ASSERT_FALSE(HasFatalFailure());
    }
  }
}

}  // namespace
}  // namespace strata::manager::federation

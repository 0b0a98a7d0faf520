#include "service_manager/federation/hierarchy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/random.h"
#include "common/status.h"
#include "common/tls/identity.h"

namespace strata::manager::federation {
namespace {

const ScopeLevel kExchange{"exchange", 4};
const ScopeLevel kCdn{"cdn-one", 3};
const ScopeLevel kDataCenter{"cdn-one/dc-two", 2};
const ScopeLevel kFarm{"cdn-one/dc-two/lan-a", 1};

std::vector<ManagerPlace> Tree() {
  return {
      {kExchange, ""},           {kCdn, "exchange"},           {kDataCenter, "cdn-one"},
      {kFarm, "cdn-one/dc-two"}, {{"cdn-two", 3}, "exchange"}, {{"cdn-two/lan-b", 1}, "cdn-two"}};
}

std::vector<std::string> FaultsWith(ManagerPlace place) {
  std::vector<ManagerPlace> places = Tree();
  places.push_back(std::move(place));
  return FaultsOf(places);
}
using Sentences = std::vector<std::string>;

TEST(HierarchyTest, ATreeIsRightThoughALevelIsMissing) {
  EXPECT_EQ(FaultsOf(Tree()), Sentences{});
  const std::vector<ManagerPlace> farm = {{{"lan-a", 1}, ""}};
  EXPECT_EQ(FaultsOf(farm), Sentences{});
}

TEST(HierarchyTest, NothingIsNoTree) {
  EXPECT_EQ(FaultsOf(std::vector<ManagerPlace>()), Sentences{"there is no manager"});
}

TEST(HierarchyTest, AScopeIsThereOnce) {
  EXPECT_EQ(FaultsWith({kFarm, "cdn-one/dc-two"}),
            Sentences{"cdn-one/dc-two/lan-a is there twice"});
}

TEST(HierarchyTest, NobodyHasTwoParents) {
  EXPECT_EQ(FaultsWith({kFarm, "cdn-one"}),
            Sentences{"cdn-one/dc-two/lan-a has two parents: cdn-one/dc-two and cdn-one"});
}

TEST(HierarchyTest, ACircleIsNamedWhole) {
  std::vector<ManagerPlace> places = Tree();
  places[0].parent = "cdn-one/dc-two";
  EXPECT_EQ(FaultsOf(places),
            Sentences{"cdn-one -> exchange -> cdn-one/dc-two -> cdn-one is a circle"});
  places = {{kCdn, "cdn-one"}};
  EXPECT_EQ(FaultsOf(places), Sentences{"cdn-one -> cdn-one is a circle"});
}

TEST(HierarchyTest, AParentIsThereAndOneIsAtTheTop) {
  EXPECT_EQ(FaultsWith({{"cdn-two/lan-c", 1}, "cdn-2"}),
            Sentences{"cdn-two/lan-c: its parent cdn-2 is not there"});
  EXPECT_EQ(FaultsWith({{"cdn-three", 3}, ""}),
            Sentences{"exchange has no parent, like cdn-three: only one can be at the top"});
}

TEST(HierarchyTest, AScopeHangsUnderTheNearestThatCoversIt) {
  EXPECT_EQ(FaultsWith({{"cdn-one/dc-two/lan-c", 1}, "cdn-one"}),
            Sentences{"cdn-one/dc-two/lan-c hangs under cdn-one, but lies within cdn-one/dc-two: "
                      "it would have two ways up"});
  EXPECT_EQ(FaultsWith({{"cdn-two/lan-c", 1}, "exchange"}).size(), 1u);
}

TEST(HierarchyTest, LinksOfAPlanAreChecked) {
  EXPECT_EQ(FaultsWith({{"cdn-two/lan-c", 3}, "cdn-two"}),
            Sentences{"cdn-two/lan-c (level 3) cannot hang under cdn-two (level 3): the level of "
                      "a parent is higher"});
  EXPECT_EQ(FaultsWith({{"cdn-two/lan-b/x", 1}, "cdn-two/lan-b"}),
            Sentences{"cdn-two/lan-b/x (level 1) cannot hang under cdn-two/lan-b (level 1): level "
                      "1 has engines, no children"});
}

TEST(HierarchyTest, AnEndOfALinkIsALevelAndAScope) {
  EXPECT_TRUE(CheckScopeLevel(kFarm).ok());
  EXPECT_EQ(MessageOf(CheckScopeLevel({"cdn-one", 5})),
            "cdn-one: there is no level 5, only 1 to 4");
  EXPECT_FALSE(CheckScopeLevel({"cdn-one", 0}).ok());
  EXPECT_FALSE(CheckScopeLevel({"Cdn One", 3}).ok());
  EXPECT_EQ(MessageOf(CheckScopeLevel({"a/b", 4})),
            "a/b (level 4): the scope of an exchange is one word");
  EXPECT_EQ(CheckLink(kCdn, {"", 1}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(CheckLink({"", 1}, kFarm).code(), StatusCode::kInvalidArgument);
}

TEST(HierarchyTest, AChildLiesBelowItsParent) {
  EXPECT_TRUE(CheckLink(kCdn, kFarm).ok());
  EXPECT_EQ(MessageOf(CheckLink(kFarm, kCdn)),
            "cdn-one (level 3) cannot hang under cdn-one/dc-two/lan-a (level 1): level 1 has "
            "engines, no children");
  EXPECT_EQ(MessageOf(CheckLink({"cdn-two", 3}, kFarm)),
            "cdn-one/dc-two/lan-a (level 1) cannot hang under cdn-two (level 3): its scope does "
            "not lie within the parent's");
  EXPECT_EQ(CheckLink({"cdn", 3}, kFarm).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(MessageOf(CheckLink(kCdn, {"cdn-one", 2})),
            "cdn-one (level 2) cannot hang under cdn-one (level 3): it is the same scope");
}

TEST(HierarchyTest, AnExchangeHasChildrenOfAnyPathButItsOwn) {
  EXPECT_TRUE(CheckLink(kExchange, kCdn).ok());
  EXPECT_TRUE(CheckLink(kExchange, kFarm).ok());
  EXPECT_EQ(MessageOf(CheckLink(kExchange, {"exchange/cdn", 3})),
            "exchange/cdn (level 3) cannot hang under exchange (level 4): the scope of an "
            "exchange is nobody's path");
}

TEST(HierarchyTest, AParentRefusesAChildWithinAnother) {
  const Sentences children = {"cdn-one/dc-two", "cdn-one/dc-two-b"};
  EXPECT_TRUE(CheckChild(kCdn, kDataCenter, children).ok()) << "it comes again";
  EXPECT_TRUE(CheckChild(kCdn, {"cdn-one/dc", 2}, children).ok());
  EXPECT_EQ(MessageOf(CheckChild(kCdn, kFarm, children)),
            "cdn-one/dc-two/lan-a lies within cdn-one/dc-two, and both hang under cdn-one: it "
            "would have two ways up");
  const Sentences farms = {"cdn-one/dc-two/lan-a"};
  EXPECT_EQ(MessageOf(CheckChild(kCdn, kDataCenter, farms)),
            "cdn-one/dc-two/lan-a lies within cdn-one/dc-two, and both hang under cdn-one: it "
            "would have two ways up");
  EXPECT_FALSE(CheckChild(kCdn, {"cdn-two/dc", 2}, {}).ok());
}

TEST(HierarchyTest, APlanHasALimit) {
  const std::vector<ManagerPlace> places(kManagersMax + 1);
  EXPECT_EQ(FaultsOf(places), Sentences{"there are more than 100000 managers"});
}

// The specification, word by word, for managers with a scope and a level each.
class SlowCheck {
 public:
  explicit SlowCheck(const std::vector<ManagerPlace>& places) : places_(places) {}

  bool IsTree() const {
    std::set<std::string> scopes;
    size_t tops = 0;
    for (const ManagerPlace& place : places_) {
      tops += place.parent.empty() ? 1 : 0;
      if (!scopes.insert(place.manager.scope).second || !HasItsPlace(place)) return false;
    }
    return tops == 1;
  }

 private:
  const ManagerPlace* Find(const std::string& scope) const {
    const auto it = std::ranges::find_if(
        places_, [&](const ManagerPlace& place) { return place.manager.scope == scope; });
    return it == places_.end() ? nullptr : &*it;
  }
  // Levels rise on the way up, so that there can be no circle.
  bool HasItsPlace(const ManagerPlace& place) const {
    if (place.parent.empty()) return true;
    const ManagerPlace* parent = Find(place.parent);
    if (parent == nullptr || parent->manager.level <= place.manager.level) return false;
    const std::string around = LongestAround(place.manager.scope);
    if (parent->manager.level < 4) return around == place.parent;
    return around.empty() && !tls::ScopeCovers(place.manager.scope, place.parent);
  }
  std::string LongestAround(const std::string& scope) const {
    std::string longest;
    for (const ManagerPlace& other : places_) {
      const std::string& around = other.manager.scope;
      if (around != scope && tls::ScopeCovers(around, scope) && around.size() > longest.size()) {
        longest = around;
      }
    }
    return longest;
  }

  const std::vector<ManagerPlace>& places_;
};

TEST(HierarchyTest, FindsATreeWhereTheSpecificationDoes) {
  const std::vector<std::string> scopes = {"x",   "y",     "a",     "a-b",    "a/b",
                                           "a/c", "a/b/c", "a/b-c", "a/b/c/d"};
  size_t trees = 0;
  for (uint64_t seed = 0; seed < 20000; ++seed) {
    SeededRandom random(seed);
    std::vector<ManagerPlace> places = {{{"x", 4}, ""}};
    for (size_t i = 1 + random.Below(5); i > 0; --i) {
      const std::string& scope = scopes[random.Below(scopes.size())];
      const auto level = static_cast<uint32_t>(
          std::max<int64_t>(1, 3 - std::ranges::count(scope, '/') - random.Chance(0.1)));
      places.push_back({{scope, level}, places[random.Below(places.size())].manager.scope});
    }
    if (random.Chance(0.2)) places[0].parent = places.back().manager.scope;
    if (random.Chance(0.2)) places.erase(places.begin());
    if (random.Chance(0.2)) places[0].parent = "";
    const bool is_tree = SlowCheck(places).IsTree();
    ASSERT_EQ(FaultsOf(places).empty(), is_tree) << "seed " << seed;
    trees += is_tree ? 1 : 0;
  }
  EXPECT_GT(trees, 2000u);
}

}  // namespace
}  // namespace strata::manager::federation

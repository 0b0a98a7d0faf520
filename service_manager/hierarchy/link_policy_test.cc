#include "service_manager/hierarchy/link_policy.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::manager::hierarchy {
namespace {

using federation::Forward;
using federation::ForwardingPolicy;

std::string HostOf(const std::string& site) { return site == "films" ? "films.example" : ""; }

TEST(LinkPolicyTest, GoesWithTheHostsOfItsSites) {
  const ForwardingPolicy policy{
      .rules = {{.site = "films", .forward = Forward::kScope}, {.site = "news"}}};
  const LinkPolicy link = MakeLinkPolicy(policy, HostOf);
  EXPECT_EQ(link.hosts, (std::map<std::string, std::string>{{"films", "films.example"}}));
  EXPECT_EQ(CheckLinkPolicy(link), Ok());
  EXPECT_EQ(MatcherOf(link).TreatmentOf("http://films.example/a").library, Forward::kScope);
  EXPECT_EQ(MatcherOf(link).TreatmentOf("http://news.example/a").library, Forward::kFull);
}

TEST(LinkPolicyTest, HidesCopiesIfTheParentIsToldNothingOfSome) {
  EXPECT_FALSE(HidesCopies({}));
  EXPECT_FALSE(HidesCopies({.policy = {.rules = {{.forward = Forward::kScope}}}}));
  EXPECT_TRUE(HidesCopies({.policy = {.rules = {{.site = "films", .forward = Forward::kNone}}}}));
}

TEST(LinkPolicyTest, FaultsAreNamed) {
  LinkPolicy link{.policy = {.rules = {{}, {.site = "films"}}}};
  EXPECT_NE(MessageOf(CheckLinkPolicy(link)).find("rule 2 (site films: full) can never match"),
            std::string::npos)
      << MessageOf(CheckLinkPolicy(link));
  link = {.hosts = {{"films", "films.example:80"}}};
  EXPECT_NE(MessageOf(CheckLinkPolicy(link)).find("the host of site films"), std::string::npos);
}

}  // namespace
}  // namespace strata::manager::hierarchy

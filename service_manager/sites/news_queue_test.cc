#include "service_manager/sites/news_queue.h"

#include <gtest/gtest.h>

namespace strata::manager::sites {
namespace {

using News = NewsQueue::News;
using Kind = News::Kind;

class NewsQueueTest : public ::testing::Test {
 protected:
  std::optional<News> Next() {
    return queue_.Next([this](const std::string& site) -> std::optional<SiteState> {
      const auto it = sites_.find(site);
      if (it == sites_.end()) return std::nullopt;
      return it->second;
    });
  }
  void Connect(std::map<std::string, SiteState> held) {
    std::vector<std::string> all;
    for (const auto& [site, _] : sites_) all.push_back(site);
    queue_.Connected(std::move(held), all);
  }

  std::map<std::string, SiteState> sites_;
  NewsQueue queue_;
};

TEST_F(NewsQueueTest, AnEmptyChildIsToldTheSiteAndThenItsLog) {
  sites_["films"] = {"cdn-one", 3, 7};
  Connect({});
  EXPECT_EQ(Next(), (News{Kind::kSite, "films", 0}));
  EXPECT_EQ(Next(), (News{Kind::kPurges, "films", 0}));
  queue_.SentUpTo("films", 5);
  EXPECT_EQ(Next(), (News{Kind::kPurges, "films", 5})) << "in parts";
  queue_.SentUpTo("films", 7);
  EXPECT_EQ(Next(), std::nullopt);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(NewsQueueTest, WhoHasAllIsToldNothing) {
  sites_["films"] = {"cdn-one", 3, 7};
  Connect(sites_);
  EXPECT_EQ(Next(), std::nullopt);
  queue_.OnChanged("films");
  EXPECT_EQ(Next(), std::nullopt);
}

TEST_F(NewsQueueTest, WhatIsNotForTheChildAnyMoreIsTakenAway) {
  sites_["films"] = {"cdn-one", 3, 7};
  Connect({{"films", {"cdn-one", 3, 7}}, {"songs", {"cdn-one", 1, 0}}});
  EXPECT_EQ(Next(), (News{Kind::kRemoved, "songs", 0}));
  sites_.clear();
  queue_.OnChanged("films");
  EXPECT_EQ(Next(), (News{Kind::kRemoved, "films", 0}));
  EXPECT_EQ(Next(), std::nullopt) << "once";
}

TEST_F(NewsQueueTest, ASiteOfAnotherHomeIsAnother) {
  sites_["films"] = {"exchange", 1, 2};
  Connect({{"films", {"cdn-one", 30, 70}}});
  EXPECT_EQ(Next(), (News{Kind::kRemoved, "films", 0}));
  EXPECT_EQ(Next(), (News{Kind::kSite, "films", 0}));
  EXPECT_EQ(Next(), (News{Kind::kPurges, "films", 0}));
}

TEST_F(NewsQueueTest, WhatChangesComesBeforeWhatIsCompared) {
  sites_["a"] = {"cdn-one", 1, 0};
  sites_["z"] = {"cdn-one", 1, 8};
  Connect({{"z", {"cdn-one", 1, 7}}});
  queue_.OnChanged("z");
  EXPECT_EQ(Next(), (News{Kind::kPurges, "z", 7}));
  queue_.SentUpTo("z", 8);
  EXPECT_EQ(Next(), (News{Kind::kSite, "a", 0}));
}

}  // namespace
}  // namespace strata::manager::sites

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "common/random.h"
#include "common/tls/identity.h"
#include "service_manager/sites/news_queue.h"
#include "service_manager/sites/report_book.h"

// A tree of managers with the real queues and books, and streams that deliver one message after the
// other, or are cut: over seeds. Once quiet everybody has what is for him, and says so upwards; and
// nobody is sent to a farm that lacks a purge that was answered without it.

namespace strata::manager::sites {
namespace {

struct Kept {
  SiteState state;
  std::string only;  // Its one scope; empty: all.
};

bool MayHold(const std::string& only, const std::string& scope) {
  return only.empty() || tls::ScopeCovers(only, scope) || tls::ScopeCovers(scope, only);
}

struct Manager {
  explicit Manager(const std::string& at) : scope(at), book(at) {}

  const std::string scope;
  uint32_t level = 1;
  Manager* parent = nullptr;
  std::vector<Manager*> children;
  std::map<std::string, Kept> sites;
  std::map<std::string, uint64_t> applied;  // At level 1, by its one engine.
  ReportBook book;
  bool linked = false;  // To its parent.
  NewsQueue news;       // What the parent has to tell it.

  void Show(const std::string& site) {
    const auto it = sites.find(site);
    if (it == sites.end()) return book.RemoveOwn(site);
    SiteRow row{.site = site, .scope = scope, .state = it->second.state};
    row.all_up_to = row.state.position;
    if (level == 1) {
      row.engines = row.serving = 1;
      row.all_up_to = std::min(applied[site], row.state.position);
      row.applied = row.all_up_to == row.state.position ? 1 : 0;
      if (row.applied == 0) row.behind = {{.name = "e", .applied = row.all_up_to}};
    }
    book.SetOwn(row, [only = it->second.only](const auto& s) { return MayHold(only, s); });
  }
  void Changed(const std::string& site) {
    Show(site);
    for (Manager* child : children) {
      if (child->linked) child->news.OnChanged(site);
    }
  }
};

class Tree {
 public:
  explicit Tree(uint64_t seed) : random_(seed) {
    Manager* top = Add("exchange", 4, nullptr);
    for (const char* cdn : {"cdn-one", "cdn-two"}) {
      Manager* network = Add(cdn, 3, top);
      for (const char* dc : {"/dc-one", "/dc-two"}) {
        Manager* center = Add(std::string(cdn) + dc, 2, network);
        for (const char* lan : {"/lan-a", "/lan-b"}) Add(center->scope + lan, 1, center);
      }
    }
    for (const auto& manager : all_) {
      if (manager->parent != nullptr) Link(*manager);
    }
  }

  void Step() {
    Manager& manager = *all_[Random(all_.size())];
    switch (Random(12)) {
      case 0:
        if (Random(8) == 0) Apply(manager);
        break;
      case 1:
        if (Random(20) == 0) Remove(manager);
        break;
      case 2:
        if (Random(3) == 0) Purge(manager);
        break;
      case 3:
        if (Random(4) == 0 && manager.parent != nullptr)
          manager.linked ? Cut(manager) : Link(manager);
        break;
      case 4:
      case 5:
        Work(manager);
        break;
      default:
        Deliver(manager);
    }
    NoteAnswers();
    CheckNobodyIsSentAstray();
  }

  void Calm() {
    for (const auto& manager : all_) {
      if (manager->parent != nullptr && !manager->linked) Link(*manager);
    }
    for (bool busy = true; busy;) {
      busy = false;
      for (const auto& manager : all_) {
        Work(*manager);
        while (Deliver(*manager)) busy = true;
      }
    }
  }

  void CheckAllHaveAll() {
    for (const auto& home : all_) {
      for (const auto& [site, kept] : home->sites) {
        if (kept.state.home == home->scope) CheckBeneath(*home, *home, site, kept);
      }
    }
    for (const auto& manager : all_) {
      for (const auto& [site, kept] : manager->sites) {
        EXPECT_TRUE(Find(kept.state.home).sites.contains(site)) << site << " was removed";
      }
      for (const ScopeRow& scope : manager->book.scopes()) {
        EXPECT_TRUE(scope.heard && scope.caught_up) << scope.scope;
      }
    }
  }

 private:
  size_t Random(size_t n) { return random_.Next() % n; }
  Manager* Add(const std::string& scope, uint32_t level, Manager* parent) {
    all_.push_back(std::make_unique<Manager>(scope));
    Manager* manager = all_.back().get();
    manager->level = level;
    manager->parent = parent;
    if (parent != nullptr) parent->children.push_back(manager);
    return manager;
  }
  Manager& Find(const std::string& scope) {
    for (const auto& manager : all_) {
      if (manager->scope == scope) return *manager;
    }
    return *all_.front();
  }

  static std::optional<SiteState> Offer(const Manager& parent, const Manager& child,
                                        const std::string& site) {
    const auto it = parent.sites.find(site);
    if (it == parent.sites.end() || !MayHold(it->second.only, child.scope)) return std::nullopt;
    return it->second.state;
  }

  void Link(Manager& child) {
    child.linked = true;
    std::map<std::string, SiteState> held;
    for (const auto& [site, kept] : child.sites) {
      if (kept.state.home != child.scope) held[site] = kept.state;
    }
    std::vector<std::string> all;
    for (const auto& [site, _] : child.parent->sites) all.push_back(site);
    child.news.Connected(held, all);
    child.parent->book.Connected(child.scope, child.level);
    child.book.TellAnew();
  }
  void Cut(Manager& child) {
    child.linked = false;
    child.parent->book.Lost(child.scope);
  }

  void Apply(Manager& home) {
    const std::string site = "s" + std::to_string(Random(3)) + "-of-" + home.scope;
    Kept& kept = home.sites[site];
    kept.state.home = home.scope;
    kept.state.version = ++versions_;
    const auto& scopes = home.children;
    kept.only = Random(2) == 0 || scopes.empty() ? "" : scopes[Random(scopes.size())]->scope;
    kept.state.position = purges_[site];
    home.Changed(site);
  }
  void Remove(Manager& home) {
    for (const auto& [site, kept] : home.sites) {
      if (kept.state.home != home.scope) continue;
      const std::string name = site;
      home.sites.erase(name);
      return home.Changed(name);
    }
  }
  void Purge(Manager& home) {
    for (auto& [site, kept] : home.sites) {
      if (kept.state.home != home.scope || Random(2) == 0) continue;
      kept.state.position = ++purges_[site];
      return home.Changed(site);
    }
  }
  void Work(Manager& farm) {
    if (farm.level != 1) return;
    for (const auto& [site, kept] : farm.sites) {
      if (farm.applied[site] >= kept.state.position) continue;
      farm.applied[site] = kept.state.position;
      farm.Show(site);
    }
  }

  // One message, of the one or the other direction; whether there was one.
  bool Deliver(Manager& child) {
    if (!child.linked) return false;
    if (Random(2) == 0 && child.book.has_changes()) {
      const Status taken = child.parent->book.Take(child.scope, child.book.TakeChanges(3));
      EXPECT_TRUE(taken.ok()) << ToString(taken);
      return true;
    }
    const auto offer = [&child](const std::string& s) { return Offer(*child.parent, child, s); };
    const auto news = child.news.Next(offer);
    if (!news) return child.book.has_changes();
    const auto state = offer(news->site);
    switch (news->kind) {
      case NewsQueue::News::Kind::kRemoved:
        child.sites.erase(news->site);
        child.applied.erase(news->site);
        break;
      case NewsQueue::News::Kind::kSite:
        child.sites[news->site].state.home = state->home;
        child.sites[news->site].state.version = state->version;
        child.sites[news->site].only = child.parent->sites[news->site].only;
        break;
      case NewsQueue::News::Kind::kPurges: {
        const uint64_t to = news->position + 1 + Random(state->position - news->position);
        child.news.SentUpTo(news->site, to);
        child.sites[news->site].state.position = to;
        break;
      }
    }
    child.Changed(news->site);
    return true;
  }

  // Purges that nobody waits for any more at the top, and the farms that were not in reach.
  void NoteAnswers() {
    const Manager& top = *all_.front();
    for (const auto& [site, kept] : top.sites) {
      const auto outcomes = top.book.OutcomeOf(site, kept.state.position);
      bool settled = true;
      for (const ScopeOutcome& outcome : outcomes) {
        settled = settled && outcome.kind != ScopeOutcome::Kind::kWaits;
      }
      for (const ScopeOutcome& outcome : outcomes) {
        if (settled) answered_.insert({outcome.scope, site, kept.state.position});
      }
    }
  }
  void CheckNobodyIsSentAstray() {
    const Manager& top = *all_.front();
    for (const auto& [scope, site, position] : answered_) {
      Manager& farm = Find(scope);
      const auto kept = farm.sites.find(site);
      const auto here = top.sites.find(site);
      if (here == top.sites.end() || !MayHold(here->second.only, scope)) continue;
      if (farm.level != 1 || kept == farm.sites.end() || !top.book.CaughtUp(scope)) continue;
      ASSERT_GE(farm.applied[site], position) << scope << " " << site;
    }
  }

  void CheckBeneath(Manager& home, Manager& manager, const std::string& site, const Kept& kept) {
    for (Manager* child : manager.children) {
      const bool may = MayHold(kept.only, child->scope);
      ASSERT_EQ(child->sites.contains(site), may) << site << " at " << child->scope;
      if (!may) continue;
      EXPECT_EQ(child->sites[site].state, kept.state) << site << " at " << child->scope;
      CheckBeneath(home, *child, site, kept);
    }
    if (&home != &manager) return;
    for (const ScopeOutcome& outcome : home.book.OutcomeOf(site, kept.state.position)) {
      EXPECT_EQ(outcome.kind, ScopeOutcome::Kind::kConfirmed) << site << " at " << outcome.scope;
    }
  }

  SeededRandom random_;
  std::vector<std::unique_ptr<Manager>> all_;  // The top first.
  uint64_t versions_ = 0;
  std::map<std::string, uint64_t> purges_;
  std::set<std::tuple<std::string, std::string, uint64_t>> answered_;
};

TEST(SiteTreeTest, OnceQuietEverybodyHasWhatIsForHimAndNobodyWasSentAstray) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Tree tree(seed);
    for (int i = 0; i < 2000 && !::testing::Test::HasFailure(); ++i) tree.Step();
    tree.Calm();
    tree.CheckAllHaveAll();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace strata::manager::sites

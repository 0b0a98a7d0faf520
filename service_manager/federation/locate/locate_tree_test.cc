#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "common/random.h"
#include "farm/content_identity.h"
#include "service_manager/federation/locate/locate_desk.h"
#include "service_manager/federation/locate/recent_purges.h"

// A whole tree of desks in virtual time: messages take their time, overtake each other, and are
// lost if the test wants that. Copies come and go, contents are purged from the top.

namespace strata::manager::federation {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kSite = "films";
constexpr size_t kContents = 8;

std::string UriOf(size_t content) { return "http://films.example/" + std::to_string(content); }
farm::ContentKey KeyOf(size_t content) { return farm::KeyOf(UriOf(content)); }

struct Weather {
  double lost = 0;  // Of messages.
  double cut = 0;   // A link, at each step.
  Duration delay_max = milliseconds(5);
};

// How a manager tells its parent of contents.
enum class Forward : uint8_t { kFull, kScope, kNone };

class Tree;

// The real desk, and a directory that always knows what the policies below let it know.
struct Manager {
  Manager(Tree& tree, std::string scope, Manager* parent, Forward forward);

  bool is_farm() const { return children.empty(); }
  // What stands in its directory: nothing that a purge which it has applied took out.
  std::vector<LocatedCopy> Known(size_t content) const;
  // All copies in this subtree.
  std::vector<LocatedCopy> Held(size_t content) const;
  // Something in this subtree is not told to its parent.
  bool HidesSome() const;

  const std::string scope;
  Manager* const parent;
  const Forward forward;
  std::vector<Manager*> children;
  std::map<size_t, LocatedCopy> copies;  // Of a farm, by content; `size` is when it was filled.
  RecentPurges purges{4};                // So small that it forgets.
  uint64_t applied = 0;
  NeighbourId link{};  // To the parent; 0: there is none at the moment.
  LocateDesk desk;

 private:
  LocalCopies Look(const farm::ContentKey& key, std::string_view uri) const;
  // What its parent is told: of the copies that it knows, by its policy.
  std::vector<LocatedCopy> Told(size_t content) const;

  Tree& tree_;
};

class Tree {
 public:
  Tree(uint64_t seed, const Weather& weather) : random_(seed), weather_(weather) { Build(); }

  // ---- What happens.
  void Step();
  void Fill();
  void Evict();
  void Purge();
  void Cut(Manager& manager);
  uint64_t Ask(Manager& manager, size_t content, Duration time);
  // Lets so much time pass.
  void Run(Duration time);

  // ---- What was seen.
  struct Asked {
    Manager* manager = nullptr;
    size_t content = 0;
    Timestamp deadline;
    std::optional<LocateAnswer> answer;
  };
  const std::map<uint64_t, Asked>& asked() const { return asked_; }
  std::vector<std::unique_ptr<Manager>>& managers() { return managers_; }
  Manager& Any() { return *managers_[random_.Below(managers_.size())]; }
  SeededRandom& random() { return random_; }
  // The last entry that purged it, of the first so many of the log; 0: none.
  uint64_t PurgedAt(size_t content, uint64_t applied) const;
  uint64_t purges() const { return log_.size(); }
  uint64_t messages() const { return messages_; }
  // Of all managers.
  uint64_t Count(uint64_t LocateCounters::*counter) const {
    uint64_t sum = 0;
    for (const auto& manager : managers_) sum += manager->desk.counters().*counter;
    return sum;
  }

 private:
  void Build();
  Manager& Add(const std::string& scope, Manager* parent);
  void Connect(Manager& manager);
  void Apply(Manager& manager, uint64_t position);
  void Drain(Manager& manager);
  void Execute(Manager& manager, AskAction& ask);
  void Execute(Manager& manager, AnswerAction& reply);
  void CheckAsk(const Manager& from, const Manager& to, const LocateQuestion& question) const;
  void CheckAnswer(const Manager& manager, size_t content, const LocateAnswer& answer) const;
  // Over the link of that number, if it is still there then.
  void Carry(NeighbourId link, std::function<void()> what);
  void After(Duration delay, std::function<void()> what) {
    events_.emplace(now_ + delay, std::move(what));
  }
  Duration Delay() { return random_.Between(microseconds(10), weather_.delay_max); }

  SeededRandom random_;
  const Weather weather_;
  Timestamp now_ = Timestamp::FromNanos(0);
  std::multimap<Timestamp, std::function<void()>> events_;
  std::vector<std::unique_ptr<Manager>> managers_;
  std::map<NeighbourId, Manager*> links_;  // By number, the child.
  // Questions of neighbours: where the answer goes.
  struct Errand {
    NeighbourId link{};
    AskNumber number{};
    size_t content = 0;
  };
  std::map<uint64_t, Errand> errands_;
  std::map<uint64_t, Asked> asked_;
  std::vector<size_t> log_;  // Contents that were purged; the first has position 1.
  uint64_t last_ = 0;
  uint64_t messages_ = 0;
};

// ---- Manager

Manager::Manager(Tree& tree, std::string scope, Manager* parent, Forward forward)
    : scope(std::move(scope)),
      parent(parent),
      forward(forward),
      desk(this->scope,
           {.has_parent = parent != nullptr,
            .children_at_once = 2,
            .found_kept = milliseconds(300),
            .none_kept = milliseconds(100)},
           [this](const farm::ContentKey& key, std::string_view uri) { return Look(key, uri); }),
      tree_(tree) {
  if (parent != nullptr) parent->children.push_back(this);
}

std::vector<LocatedCopy> Manager::Told(size_t content) const {
  const std::vector<LocatedCopy> known = Known(content);
  if (known.empty() || forward == Forward::kNone) return {};
  if (forward == Forward::kFull) return known;
  uint64_t newest = 0;
  for (const LocatedCopy& copy : known) newest = std::max(newest, copy.size);
  return {{.holder = {scope, ""}, .flags = 0, .size = newest}};
}

std::vector<LocatedCopy> Manager::Known(size_t content) const {
  std::vector<LocatedCopy> known;
  const auto own = copies.find(content);
  if (own != copies.end()) known.push_back(own->second);
  for (const Manager* child : children) {
    const std::vector<LocatedCopy> told = child->Told(content);
    known.insert(known.end(), told.begin(), told.end());
  }
  const uint64_t purged = tree_.PurgedAt(content, applied);
  std::erase_if(known, [purged](const LocatedCopy& copy) { return copy.size < purged; });
  return known;
}

std::vector<LocatedCopy> Manager::Held(size_t content) const {
  std::vector<LocatedCopy> held;
  const auto own = copies.find(content);
  if (own != copies.end()) held.push_back(own->second);
  for (const Manager* child : children) {
    const std::vector<LocatedCopy> below = child->Held(content);
    held.insert(held.end(), below.begin(), below.end());
  }
  return held;
}

bool Manager::HidesSome() const {
  return forward == Forward::kNone ||
         std::any_of(children.begin(), children.end(),
                     [](const Manager* child) { return child->HidesSome(); });
}

LocalCopies Manager::Look(const farm::ContentKey& key, std::string_view uri) const {
  const size_t content = std::stoul(std::string(uri.substr(uri.rfind('/') + 1)));
  LocalCopies local{.copies = Known(content), .purges = purges.Of(kSite, key)};
  for (const Manager* child : children) {
    if (child->HidesSome()) local.untold.push_back(child->scope);
  }
  return local;
}

// ---- Tree: how it is built

void Tree::Build() {
  Manager& exchange = Add("exchange", nullptr);
  const uint64_t cdns = 2 + random_.Below(2);
  for (uint64_t cdn = 0; cdn < cdns; ++cdn) {
    const std::string cdn_scope = "cdn-" + std::to_string(cdn);
    Manager& network = Add(cdn_scope, &exchange);
    const uint64_t centers = 1 + random_.Below(3);
    for (uint64_t dc = 0; dc < centers; ++dc) {
      const std::string dc_scope = cdn_scope + "/dc-" + std::to_string(dc);
      Manager* parent = &network;
      if (random_.Chance(0.7)) parent = &Add(dc_scope, &network);  // Else a level is missing.
      const uint64_t farms = 1 + random_.Below(3);
      for (uint64_t lan = 0; lan < farms; ++lan) {
        Add(dc_scope + "/lan-" + std::to_string(lan), parent);
      }
    }
  }
  for (auto& manager : managers_) Connect(*manager);
}

Manager& Tree::Add(const std::string& scope, Manager* parent) {
  const uint64_t draw = random_.Below(10);
  const Forward forward = draw < 4 ? Forward::kFull : (draw < 8 ? Forward::kScope : Forward::kNone);
  managers_.push_back(std::make_unique<Manager>(*this, scope, parent, forward));
  return *managers_.back();
}

void Tree::Connect(Manager& manager) {
  if (manager.parent == nullptr || manager.link != NeighbourId()) return;
  manager.link = NeighbourId(++last_);
  links_[manager.link] = &manager;
  manager.desk.OnParent({manager.link, manager.parent->scope}, now_);
  manager.parent->desk.OnChild({manager.link, manager.scope}, now_);
  Drain(manager);
  Drain(*manager.parent);
}

// ---- Tree: what happens

void Tree::Run(Duration time) {
  const Timestamp end = now_ + time;
  while (true) {
    Timestamp next = events_.empty() ? Timestamp::Never() : events_.begin()->first;
    Manager* timed = nullptr;
    for (auto& manager : managers_) {
      if (manager->desk.NextDeadline() >= next) continue;
      next = manager->desk.NextDeadline();
      timed = manager.get();
    }
    if (next > end) break;
    now_ = std::max(now_, next);
    if (timed != nullptr) {
      timed->desk.OnTimer(now_);
      Drain(*timed);
    } else {
      const std::function<void()> what = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      what();
    }
  }
  now_ = end;
}

void Tree::Fill() {
  Manager& farm = Any();
  if (!farm.is_farm()) return;
  const size_t content = random_.Below(kContents);
  // From an origin, after all purges that the farm has applied; never older than that.
  farm.copies[content] = {.holder = {farm.scope, "engine"}, .flags = 0, .size = farm.applied};
}

void Tree::Evict() { Any().copies.erase(random_.Below(kContents)); }

// An entry of the site's log goes down the tree, to each manager after its parent.
void Tree::Purge() {
  log_.push_back(random_.Below(kContents));
  Apply(*managers_.front(), log_.size());
}

void Tree::Apply(Manager& manager, uint64_t position) {
  // What its parent has, and it has not: entries come in their order.
  while (manager.applied < position) {
    const size_t content = log_[manager.applied++];
    const farm::ContentKey key = KeyOf(content);
    const auto copy = manager.copies.find(content);
    if (copy != manager.copies.end() && copy->second.size < manager.applied) {
      manager.copies.erase(copy);
    }
    manager.purges.OnPurged(kSite, manager.applied, {&key, 1});
    manager.desk.OnPurge({&key, 1}, now_);
    Drain(manager);
  }
  for (Manager* child : manager.children) {
    After(Delay(), [this, child, position] { Apply(*child, position); });
  }
}

void Tree::Cut(Manager& manager) {
  if (manager.link == NeighbourId()) return;
  links_.erase(manager.link);
  manager.desk.OnDisconnected(manager.link, now_);
  manager.parent->desk.OnDisconnected(manager.link, now_);
  manager.link = NeighbourId();
  Drain(manager);
  Drain(*manager.parent);
}

void Tree::Step() {
  if (random_.Chance(0.3)) Fill();
  if (random_.Chance(0.2)) Evict();
  if (random_.Chance(0.1)) Purge();
  if (random_.Chance(weather_.cut)) Cut(Any());
  for (auto& manager : managers_) {
    if (random_.Chance(0.2)) Connect(*manager);
  }
  const uint64_t questions = random_.Below(4);
  for (uint64_t i = 0; i < questions; ++i) {
    Ask(Any(), random_.Below(kContents), random_.Between({}, milliseconds(200)));
  }
  Run(random_.Between({}, milliseconds(20)));
}

uint64_t Tree::Ask(Manager& manager, size_t content, Duration time) {
  const uint64_t id = ++last_;
  asked_[id] = {&manager, content, now_ + time, std::nullopt};
  manager.desk.OnQuestion(QuestionId(id), NeighbourId(),
                          {.key = KeyOf(content),
                           .canonical_uri = UriOf(content),
                           .time_left = time,
                           .trace = random_.Chance(0.2)},
                          now_);
  Drain(manager);
  return id;
}

// ---- Tree: messages

void Tree::Carry(NeighbourId link, std::function<void()> what) {
  ++messages_;
  if (random_.Chance(weather_.lost)) return;
  After(Delay(), [this, link, what = std::move(what)] {
    if (links_.contains(link)) what();
  });
}

void Tree::Drain(Manager& manager) {
  for (LocateAction& action : manager.desk.TakeActions()) {
    std::visit([&](auto& one) { Execute(manager, one); }, action);
  }
}

void Tree::Execute(Manager& manager, AskAction& ask) {
  Manager& child = *links_.at(ask.to);
  Manager& to = &child == &manager ? *child.parent : child;
  CheckAsk(manager, to, ask.question);
  Carry(ask.to, [this, &to, ask = std::move(ask)] {
    const uint64_t id = ++last_;
    const std::string& uri = ask.question.canonical_uri;
    errands_[id] = {ask.to, ask.number, std::stoul(uri.substr(uri.rfind('/') + 1))};
    to.desk.OnQuestion(QuestionId(id), ask.to, ask.question, now_);
    Drain(to);
  });
}

void Tree::Execute(Manager& manager, AnswerAction& reply) {
  ASSERT_TRUE(reply.answer.ok()) << MessageOf(reply.answer.status());
  ASSERT_TRUE(federation::CheckAnswer(*reply.answer).ok());
  const auto own = asked_.find(reply.question.value());
  if (own != asked_.end()) {
    Asked& asked = own->second;
    CheckAnswer(manager, asked.content, *reply.answer);
    EXPECT_FALSE(asked.answer) << "answered twice";
    EXPECT_LE(now_, asked.deadline);
    asked.answer = *reply.answer;
    return;
  }
  const Errand errand = errands_.extract(reply.question.value()).mapped();
  CheckAnswer(manager, errand.content, *reply.answer);
  Manager& child = *links_.at(errand.link);
  Manager& to = &child == &manager ? *child.parent : child;
  Carry(errand.link, [this, &to, errand, answer = *reply.answer] {
    to.desk.OnAnswer(errand.link, errand.number, answer, now_);
    Drain(to);
  });
}

// ---- Tree: what must hold

uint64_t Tree::PurgedAt(size_t content, uint64_t applied) const {
  for (uint64_t position = applied; position > 0; --position) {
    if (log_[position - 1] == content) return position;
  }
  return 0;
}

// No loop: nobody is asked twice on one way, and the hops that are left shrink.
void Tree::CheckAsk(const Manager& from, const Manager& to, const LocateQuestion& question) const {
  const std::set<std::string> visited(question.visited.begin(), question.visited.end());
  EXPECT_EQ(visited.size(), question.visited.size());
  EXPECT_FALSE(visited.contains(to.scope)) << to.scope;
  EXPECT_EQ(question.visited.back(), from.scope);
  EXPECT_EQ(question.hops_left + question.visited.size(), kLocateHopsMax);
}

// Nothing is told that was there before a purge which the manager has applied.
void Tree::CheckAnswer(const Manager& manager, size_t content, const LocateAnswer& answer) const {
  for (const LocatedCopy& copy : answer.copies) {
    EXPECT_GE(copy.size, PurgedAt(content, manager.applied))
        << manager.scope << " tells of " << ToString(copy.holder) << ", which was purged";
  }
}

// ---- The tests

constexpr Weather kStorm{.lost = 0.2, .cut = 0.2, .delay_max = milliseconds(60)};
constexpr uint64_t LocateCounters::*kRare[] = {
    &LocateCounters::partial, &LocateCounters::joined, &LocateCounters::remembered,
    &LocateCounters::silent,  &LocateCounters::late,   &LocateCounters::restarted};

class LocateTreeTest : public testing::TestWithParam<uint64_t> {
 protected:
  static void ExpectQuiet(Tree& tree) {
    for (const auto& [id, asked] : tree.asked()) {
      EXPECT_TRUE(asked.answer) << "a question at " << asked.manager->scope << " is still open";
    }
    for (const auto& manager : tree.managers()) {
      EXPECT_EQ(manager->desk.open_questions(), 0U);
      EXPECT_EQ(manager->desk.open_asks(), 0U);
    }
  }
  // What the first manager on the way up knows that knows any.
  static std::vector<LocatedCopy> Expected(const Manager* manager, size_t content) {
    for (; manager != nullptr; manager = manager->parent) {
      std::vector<LocatedCopy> held = manager->Held(content);
      std::sort(held.begin(), held.end(),
                [](const LocatedCopy& a, const LocatedCopy& b) { return a.holder < b.holder; });
      if (!held.empty()) return held;
    }
    return {};
  }
};

TEST_P(LocateTreeTest, FindsEveryCopyWhenNothingIsLost) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  Tree tree(GetParam(), {});
  size_t found = 0;
  for (int round = 0; round < 10 && !HasFailure(); ++round) {
    for (int i = 0; i < 20; ++i) tree.Step();
    tree.Run(seconds(1));  // Until answers of before are forgotten, and all purges are applied.
    std::vector<uint64_t> asked;
    for (int i = 0; i < 40; ++i) {
      asked.push_back(tree.Ask(tree.Any(), tree.random().Below(kContents), seconds(2)));
    }
    tree.Run(seconds(2));
    for (const uint64_t id : asked) {
      const Tree::Asked& one = tree.asked().at(id);
      ASSERT_TRUE(one.answer);
      EXPECT_TRUE(one.answer->gaps.empty()) << ToString(one.answer->gaps.front());
      EXPECT_EQ(one.answer->copies, Expected(one.manager, one.content)) << one.manager->scope;
      found += one.answer->copies.size();
    }
  }
  EXPECT_GT(found, 0U);
  EXPECT_GT(tree.purges(), 0U);
  ExpectQuiet(tree);
}

TEST_P(LocateTreeTest, AnswersInTimeWhateverIsLost) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  Tree tree(GetParam(), kStorm);
  for (int i = 0; i < 300 && !HasFailure(); ++i) tree.Step();
  tree.Run(seconds(20));
  ExpectQuiet(tree);
  EXPECT_LT(tree.messages(), tree.asked().size() * tree.managers().size()) << "a flood";
}

// Else the test above would show little.
TEST(LocateTreeStormTest, BringsWhatIsRare) {
  std::map<GapReason, uint64_t> gaps;
  std::vector<uint64_t> counted(std::size(kRare));
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Tree tree(seed, kStorm);
    for (int i = 0; i < 300; ++i) tree.Step();
    for (size_t i = 0; i < counted.size(); ++i) counted[i] += tree.Count(kRare[i]);
    for (const auto& [id, asked] : tree.asked()) {
      if (!asked.answer) continue;
      for (const LocateGap& gap : asked.answer->gaps) ++gaps[gap.reason];
    }
  }
  for (size_t i = 0; i < counted.size(); ++i) EXPECT_GT(counted[i], 0U) << i;
  for (const GapReason reason : {GapReason::kNoLink, GapReason::kNoParent, GapReason::kLost,
                                 GapReason::kSilent, GapReason::kNoTime, GapReason::kBehind}) {
    EXPECT_GT(gaps[reason], 0U) << ToString(LocateGap{"a scope", reason});
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LocateTreeTest, testing::Range<uint64_t>(1, 41));

}  // namespace
}  // namespace strata::manager::federation

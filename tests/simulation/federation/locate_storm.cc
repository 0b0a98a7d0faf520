#include "tests/simulation/federation/locate_storm.h"

#include <algorithm>
#include <set>

namespace strata::simulation::federation {

namespace feed = manager::federation;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr size_t kContents = 4;
constexpr size_t kKeysRemembered = 3;  // Of purges: so few that they are forgotten.
constexpr const char* kLog = "all";    // The contents share one site, whatever their URIs say.
constexpr Duration kKept = milliseconds(400);
constexpr Duration kStepMax = milliseconds(20);
constexpr Duration kPurgeMax = milliseconds(300);  // From a parent to a child.
constexpr Duration kQuestionMax = milliseconds(600);
constexpr Duration kAnswerWithin = seconds(5);
constexpr size_t kEachAsks = 3;
constexpr double kLost = 0.05;

feed::LocateSettings Settings() {
  feed::LocateSettings settings;
  settings.children_at_once = 2;
  settings.found_kept = kKept;
  settings.none_kept = kKept / 4;
  return settings;
}

}  // namespace

LocateStorm::LocateStorm(Wiring& wiring, uint64_t seed)
    : wiring_(wiring),
      random_(seed),
      contents_(wiring.plan.catalogue.begin(),
                wiring.plan.catalogue.begin() +
                    static_cast<ptrdiff_t>(std::min(kContents, wiring.plan.catalogue.size()))),
      managers_(wiring.plan.scopes.size()),
      desks_(wiring,
             {.settings = Settings(),
              .lost = kLost,
              .directory = [this](size_t scope,
                                  const farm::ContentKey& key) { return Look(scope, key); },
              .answered = [this](const LocateDesks::Asked& asked,
                                 const feed::LocateAnswer& answer) { Judge(asked, answer); }}) {
  for (size_t scope = 0; scope < managers_.size(); ++scope) {
    scope_of_[wiring.scope(scope)] = scope;
    managers_[scope].purges.emplace(kKeysRemembered);
  }
}

Duration LocateStorm::settled_after() {
  constexpr int kLevels = 4;
  return kLevels * kPurgeMax + kQuestionMax + kKept;
}

// ---- What happens.

void LocateStorm::Blow() {
  wiring_.queue.After(random_.Between(Duration::zero(), kStepMax), [this] {
    if (calm_) return;
    Step();
    Blow();
  });
}

void LocateStorm::Step() {
  if (random_.Chance(0.5)) Fill();
  if (random_.Chance(0.3)) Evict();
  if (random_.Chance(0.1)) Purge();
  const size_t child = 1 + random_.Below(managers_.size() - 1);
  if (random_.Chance(0.05)) desks_.Cut(child);
  if (random_.Chance(0.02)) {
    const size_t scope = AnyScope();
    desks_.Restart(scope);
    Manager& manager = managers_[scope];
    manager.purges.emplace(kKeysRemembered).Restore(kLog, manager.applied);
  }
  for (size_t scope = 1; scope < managers_.size(); ++scope) {
    if (!desks_.connected(scope) && random_.Chance(0.2)) desks_.Connect(scope);
  }
  for (uint64_t questions = random_.Below(8); questions > 0; --questions) {
    desks_.Ask(AnyScope(), AnyContent(), feed::kLocateHopsMax,
               random_.Between(milliseconds(1), kQuestionMax));
  }
}

void LocateStorm::Calm() {
  calm_ = true;
  desks_.LoseNothing();
  for (size_t child = 1; child < managers_.size(); ++child) {
    if (!desks_.connected(child)) desks_.Connect(child);
  }
}

void LocateStorm::LoseOneLink() {
  lost_link_ = 1 + random_.Below(managers_.size() - 1);
  desks_.Cut(*lost_link_);
}

void LocateStorm::AskAll() {
  for (size_t scope = 0; scope < managers_.size(); ++scope) {
    for (size_t i = 0; i < kEachAsks; ++i) {
      desks_.Ask(scope, AnyContent(), feed::kLocateHopsMax, kAnswerWithin);
    }
  }
}

size_t LocateStorm::AnyFarm() {
  size_t at = AnyScope();
  while (!wiring_.plan.IsFarm(at)) at = (at + 1) % managers_.size();
  return at;
}

// From an origin, after all purges that the farm has applied.
void LocateStorm::Fill() {
  const size_t farm = AnyFarm();
  const ScopePlan& plan = wiring_.plan.scopes[farm];
  const HolderName engine{plan.scope, plan.engines[random_.Below(plan.engines.size())]};
  const Content& content = AnyContent();
  const auto flags =
      static_cast<LocationFlags>(random_.Chance(0.5) ? manager::directory::kLibrary : 0);
  wiring_.truth.Set(farm, content.key, engine, flags);
  filled_[{content.key, engine}] = managers_[farm].applied;
}

void LocateStorm::Evict() {
  const size_t farm = AnyFarm();
  const Knowledge& known = wiring_.truth.OfFarm(farm);
  const farm::ContentKey key = AnyContent().key;
  const auto there = known.find(key);
  if (there == known.end()) return;
  const HolderName engine = there->second.begin()->first;
  TakeOut(farm, key, engine);
}

void LocateStorm::TakeOut(size_t farm, const farm::ContentKey& key, const HolderName& engine) {
  wiring_.truth.Set(farm, key, engine, {});
  filled_.erase({key, engine});
  gone_[{key, engine}] = wiring_.queue.now();
}

// An entry of the log goes down the tree, to each manager after its parent.
void LocateStorm::Purge() {
  log_.push_back(AnyContent().key);
  Apply(0, log_.size());
}

void LocateStorm::Apply(size_t scope, uint64_t position) {
  Manager& manager = managers_[scope];
  while (manager.applied < position) {
    const farm::ContentKey key = log_[manager.applied++];
    const Knowledge& farm = wiring_.truth.OfFarm(scope);
    const auto there = farm.find(key);
    const Copies copies = there == farm.end() ? Copies() : there->second;
    for (const auto& [engine, flags] : copies) {
      if (filled_[{key, engine}] < manager.applied) TakeOut(scope, key, engine);
    }
    manager.purges->OnPurged(kLog, manager.applied, {&key, 1});
    desks_.OnPurge(scope, key);
  }
  for (const size_t child : wiring_.plan.ChildrenOf(scope)) {
    wiring_.queue.After(random_.Between(Duration::zero(), kPurgeMax),
                        [this, child, position] { Apply(child, position); });
  }
}

uint64_t LocateStorm::PurgedAt(const farm::ContentKey& key, uint64_t applied) const {
  while (applied > 0 && log_[applied - 1] != key) --applied;
  return applied;
}

// ---- What directories say.

LocateStorm::HeldCopies LocateStorm::KnownAt(size_t scope, const Content& content) const {
  HeldCopies known;
  const Knowledge& farm = wiring_.truth.OfFarm(scope);
  if (const auto there = farm.find(content.key); there != farm.end()) {
    for (const auto& [engine, flags] : there->second) {
      const auto filled = filled_.find({content.key, engine});
      known[engine] = {flags, filled == filled_.end() ? 0 : filled->second};
    }
  }
  for (const size_t child : wiring_.plan.ChildrenOf(scope)) known.merge(ToldBy(child, content));
  const uint64_t purged = PurgedAt(content.key, managers_[scope].applied);
  std::erase_if(known, [purged](const auto& copy) { return copy.second.filled < purged; });
  return known;
}

LocateStorm::HeldCopies LocateStorm::ToldBy(size_t child, const Content& content) const {
  const HeldCopies known = KnownAt(child, content);
  Copies copies;
  uint64_t newest = 0;
  for (const auto& [holder, held] : known) {
    copies[holder] = held.flags;
    newest = std::max(newest, held.filled);
  }
  HeldCopies told;
  for (const auto& [holder, flags] :
       ProjectionOf(wiring_.truth.policy(child), wiring_.scope(child), content, copies)) {
    const auto itself = known.find(holder);
    told[holder] = {flags, itself == known.end() ? newest : itself->second.filled};
  }
  return told;
}

// Over links that are there.
bool LocateStorm::Reaches(size_t scope, size_t other) const {
  std::set<size_t> above;  // And that scope; as far as its links go.
  for (size_t at = scope;; at = *wiring_.plan.scopes[at].parent) {
    above.insert(at);
    if (!wiring_.plan.scopes[at].parent || !desks_.connected(at)) break;
  }
  while (!above.contains(other)) {
    if (!wiring_.plan.scopes[other].parent || !desks_.connected(other)) return false;
    other = *wiring_.plan.scopes[other].parent;
  }
  return true;
}

feed::LocalCopies LocateStorm::Look(size_t scope, const farm::ContentKey& key) const {
  feed::LocalCopies local;
  const Content& content = wiring_.truth.content(key);
  for (const auto& [holder, held] : KnownAt(scope, content)) {
    feed::LocatedCopy copy;
    copy.holder = holder;
    copy.flags = held.flags;
    copy.size = held.filled;
    copy.stale = !Reaches(scope, scope_of_.at(holder.scope));
    local.copies.push_back(copy);
  }
  local.untold = wiring_.truth.UntoldTo(scope, content);
  local.purges = managers_[scope].purges->Of(kLog, key);
  return local;
}

// ---- What must hold.

void LocateStorm::Judge(const LocateDesks::Asked& asked, const feed::LocateAnswer& answer) {
  const uint64_t purged = PurgedAt(asked.content.key, managers_[asked.scope].applied);
  for (const feed::LocatedCopy& copy : answer.copies) {
    if (copy.size < purged) {
      wiring_.Fail("purged", wiring_.scope(asked.scope) + " names a copy of " + asked.content.uri +
                                 " at " + ToString(copy.holder) + " from before its purge");
    }
  }
  JudgeAge(asked, answer);
  if (asked.within == kAnswerWithin) JudgeReach(asked, answer);
}

// Nothing is given again for longer than it may be from when a directory was looked into, whatever
// way it went; and there it was at most until it was gone.
void LocateStorm::JudgeAge(const LocateDesks::Asked& asked, const feed::LocateAnswer& answer) {
  if (answer.keep_for == Duration::zero()) return;
  for (const feed::LocatedCopy& copy : answer.copies) {
    const auto gone = gone_.find({asked.content.key, copy.holder});
    if (gone == gone_.end() || filled_.contains({asked.content.key, copy.holder})) continue;
    if (wiring_.queue.now() + answer.keep_for <= gone->second + kKept) continue;
    wiring_.Fail("age", wiring_.scope(asked.scope) + " may name a copy of " + asked.content.uri +
                            " at " + ToString(copy.holder) + " for longer than answers are kept");
  }
}

// Nothing is lost now: as long as somebody who can be reached has it, the answer names a copy that
// can serve.
void LocateStorm::JudgeReach(const LocateDesks::Asked& asked, const feed::LocateAnswer& answer) {
  bool there = false;
  for (size_t farm = 0; farm < managers_.size(); ++farm) {
    there = there ||
            (wiring_.truth.OfFarm(farm).contains(asked.content.key) && Reaches(asked.scope, farm));
  }
  bool named = false;
  bool stale = false;
  for (const feed::LocatedCopy& copy : answer.copies) {
    const bool reached = Reaches(asked.scope, scope_of_.at(copy.holder.scope));
    named = named || (reached && !copy.holder.engine.empty());
    stale = stale || !reached;
  }
  if (named && stale) wiring_.events.Count(Event::kPastStale);
  if (there != named) {
    wiring_.Fail("reach", wiring_.scope(asked.scope) + " is asked for " + asked.content.uri +
                              (there ? " and finds no copy that can serve" : " which is nowhere"));
  }
}

}  // namespace strata::simulation::federation

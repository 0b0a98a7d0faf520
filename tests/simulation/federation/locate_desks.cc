#include "tests/simulation/federation/locate_desks.h"

#include <algorithm>
#include <string>

namespace strata::simulation::federation {

namespace feed = manager::federation;

LocateDesks::LocateDesks(Wiring& wiring, Options options)
    : wiring_(wiring),
      options_(std::move(options)),
      desks_(wiring.plan.scopes.size()),
      timers_(desks_.size(), Timestamp::Never()),
      links_(desks_.size()) {
  for (size_t scope = 0; scope < desks_.size(); ++scope) Launch(scope);
  for (size_t child = 1; child < desks_.size(); ++child) Connect(child);
}

void LocateDesks::Launch(size_t scope) {
  feed::LocateSettings settings = options_.settings;
  settings.has_parent = wiring_.plan.scopes[scope].parent.has_value();
  desks_[scope] = std::make_unique<feed::LocateDesk>(
      wiring_.scope(scope), settings, [this, scope](const farm::ContentKey& key, std::string_view) {
        return options_.directory(scope, key);
      });
}

// ---- What happens to them.

void LocateDesks::Connect(size_t child) {
  const size_t parent = *wiring_.plan.scopes[child].parent;
  const Timestamp now = wiring_.queue.now();
  links_[child] = feed::NeighbourId(++last_);
  child_of_link_[links_[child]] = child;
  desks_[child]->OnParent({links_[child], wiring_.scope(parent)}, now);
  desks_[parent]->OnChild({links_[child], wiring_.scope(child)}, now);
  Act(child);
  Act(parent);
}

void LocateDesks::Cut(size_t child) {
  if (!connected(child)) return;
  const feed::NeighbourId link = std::exchange(links_[child], feed::NeighbourId());
  child_of_link_.erase(link);
  for (const size_t end : {child, *wiring_.plan.scopes[child].parent}) {
    desks_[end]->OnDisconnected(link, wiring_.queue.now());
    Act(end);
  }
}

void LocateDesks::Restart(size_t scope) {
  if (wiring_.plan.scopes[scope].parent) Cut(scope);
  for (const size_t child : wiring_.plan.ChildrenOf(scope)) Cut(child);
  const auto of_scope = [scope](const auto& entry) { return entry.first.first == scope; };
  std::erase_if(own_, of_scope);
  std::erase_if(askers_, of_scope);
  CountEventsOf(scope);
  Launch(scope);
}

void LocateDesks::OnPurge(size_t scope, const farm::ContentKey& key) {
  desks_[scope]->OnPurge({&key, 1}, wiring_.queue.now());
  Act(scope);
}

void LocateDesks::Ask(size_t scope, const Content& content, uint32_t hops, Duration within) {
  const feed::QuestionId id(++last_);
  const Timestamp now = wiring_.queue.now();
  own_[{scope, id}] = {
      .scope = scope, .content = content, .hops = hops, .at = now, .within = within};
  hops_[{wiring_.scope(scope), content.key}].insert(hops);
  feed::LocateQuestion question;
  question.key = content.key;
  question.canonical_uri = content.uri;
  question.hops_left = hops;
  question.time_left = within;
  desks_[scope]->OnQuestion(id, feed::NeighbourId(), question, now);
  Act(scope);
}

// ---- Messages.

void LocateDesks::Act(size_t scope) {
  for (const feed::LocateAction& action : desks_[scope]->TakeActions()) {
    std::visit([this, scope](const auto& one) { Do(scope, one); }, action);
  }
  const Timestamp next = desks_[scope]->NextDeadline();
  if (next >= timers_[scope]) return;
  timers_[scope] = next;
  wiring_.queue.At(next, [this, scope, next] {
    if (timers_[scope] != next) return;
    timers_[scope] = Timestamp::Never();
    desks_[scope]->OnTimer(wiring_.queue.now());
    Act(scope);
  });
}

void LocateDesks::Carry(feed::NeighbourId link, std::function<void()> what) {
  if (options_.lost > 0 && wiring_.random.Chance(options_.lost)) return;
  wiring_.queue.After(wiring_.random.Between(Duration::zero(), wiring_.plan.link.delay_max),
                      [this, link, what = std::move(what)] {
                        if (child_of_link_.contains(link)) what();
                      });
}

size_t LocateDesks::OtherEnd(feed::NeighbourId link, size_t scope) const {
  const size_t child = child_of_link_.at(link);
  return child == scope ? *wiring_.plan.scopes[child].parent : child;
}

void LocateDesks::Do(size_t scope, const feed::AskAction& ask) {
  const size_t to = OtherEnd(ask.to, scope);
  JudgeWay(scope, to, ask.question);
  Carry(ask.to, [this, to, ask] {
    const feed::QuestionId id(++last_);
    askers_[{to, id}] = {ask.to, ask.number};
    desks_[to]->OnQuestion(id, ask.to, ask.question, wiring_.queue.now());
    Act(to);
  });
}

// A question names all managers on its way, in order; its hops shrink; it runs in no circle.
void LocateDesks::JudgeWay(size_t from, size_t to, const feed::LocateQuestion& question) {
  const std::vector<std::string>& visited = question.visited;
  const std::string way = wiring_.scope(from) + " asks " + wiring_.scope(to);
  if (visited.empty() || visited.back() != wiring_.scope(from)) {
    wiring_.Fail("way", way + ", and does not say that it asks");
    return;
  }
  const std::set<std::string> once(visited.begin(), visited.end());
  if (once.size() != visited.size() || once.contains(wiring_.scope(to))) {
    wiring_.Fail("way", way + " in a circle");
  }
  const size_t given = question.hops_left + visited.size();
  if (!hops_[{visited.front(), question.key}].contains(given)) {
    wiring_.Fail("way", way + " a question of " + visited.front() + " that was given " +
                            std::to_string(given) + " hops");
  }
}

void LocateDesks::Do(size_t scope, const feed::AnswerAction& answer) {
  const DeskQuestion question{scope, answer.question};
  if (!answer.answer.ok()) {
    wiring_.Fail("locate", wiring_.scope(scope) + " refuses: " + MessageOf(answer.answer.status()));
    return;
  }
  if (const auto own = own_.extract(question)) {
    Finish(scope, own.mapped(), answer);
    return;
  }
  const auto asker = askers_.extract(question);
  if (!asker) {
    wiring_.Fail("locate", wiring_.scope(scope) + " answers a question twice");
    return;
  }
  const feed::NeighbourId link = asker.mapped().link;
  if (!child_of_link_.contains(link)) return;
  Carry(link, [this, to = OtherEnd(link, scope), asker = asker.mapped(), answer = *answer.answer] {
    desks_[to]->OnAnswer(asker.link, asker.number, answer, wiring_.queue.now());
    Act(to);
  });
}

void LocateDesks::Finish(size_t scope, const Asked& asked, const feed::AnswerAction& answer) {
  if (wiring_.queue.now() > asked.at + asked.within) {
    wiring_.Fail("locate", wiring_.scope(scope) + " answers too late for " + asked.content.uri);
  }
  for (const feed::LocateGap& gap : answer.answer->gaps) {
    if (gap.reason == feed::GapReason::kTooFar) wiring_.events.Count(Event::kTooFar);
    if (gap.reason == feed::GapReason::kBehind) wiring_.events.Count(Event::kAskedBehind);
    if (gap.reason == feed::GapReason::kLost) wiring_.events.Count(Event::kLostWhileAsked);
  }
  options_.answered(asked, *answer.answer);
}

void LocateDesks::CountEventsOf(size_t scope) {
  const feed::LocateCounters& counters = desks_[scope]->counters();
  wiring_.events.Count(Event::kMerged, counters.joined);
  wiring_.events.Count(Event::kRemembered, counters.remembered);
  wiring_.events.Count(Event::kAskedAnew, counters.restarted);
  wiring_.events.Count(Event::kLateAnswer, counters.late);
}

void LocateDesks::CountEvents() {
  for (size_t scope = 0; scope < desks_.size(); ++scope) CountEventsOf(scope);
}

}  // namespace strata::simulation::federation

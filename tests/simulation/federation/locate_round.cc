#include "tests/simulation/federation/locate_round.h"

#include <string>

namespace strata::simulation::federation {

namespace feed = manager::federation;

namespace {

constexpr Duration kAnswerWithin = std::chrono::seconds(5);

// Each manager calls every other one by the place of its scope.
feed::NeighbourId IdOf(size_t scope) { return feed::NeighbourId(scope + 1); }
size_t ScopeOf(feed::NeighbourId id) { return id.value() - 1; }

}  // namespace

LocateRound::LocateRound(Wiring& wiring, Scopes& scopes) : wiring_(wiring), scopes_(scopes) {
  for (size_t scope = 0; scope < scopes.size(); ++scope) {
    feed::LocateSettings settings;
    settings.has_parent = wiring.plan.scopes[scope].parent.has_value();
    desks_.push_back(std::make_unique<feed::LocateDesk>(
        wiring.scope(scope), settings,
        [this, scope](const farm::ContentKey& key, std::string_view) {
          return LocalCopiesOf(scope, key);
        }));
  }
  for (size_t scope = 0; scope < scopes.size(); ++scope) Introduce(scope);
}

void LocateRound::Introduce(size_t scope) {
  const Timestamp now = wiring_.queue.now();
  const auto parent = wiring_.plan.scopes[scope].parent;
  if (parent) desks_[scope]->OnParent({IdOf(*parent), wiring_.scope(*parent)}, now);
  for (const size_t child : wiring_.plan.ChildrenOf(scope)) {
    desks_[scope]->OnChild({IdOf(child), wiring_.scope(child)}, now);
  }
}

feed::LocalCopies LocateRound::LocalCopiesOf(size_t scope, const farm::ContentKey& key) {
  feed::LocalCopies local;
  ManagerDirectory& directory = scopes_[scope]->leader()->directory();
  for (const Location& copy : directory.CopiesOf(key)) {
    feed::LocatedCopy located;
    located.holder = directory.NameOf(copy.holder);
    located.flags = copy.flags;
    local.copies.push_back(located);
  }
  for (size_t below = 0; below < scopes_.size(); ++below) {
    if (IsBelow(scope, below) && MayHide(wiring_.truth.policy(below), wiring_.truth.content(key))) {
      local.untold.push_back(wiring_.scope(below));
    }
  }
  return local;
}

bool LocateRound::IsBelow(size_t scope, size_t below) const {
  for (auto up = wiring_.plan.scopes[below].parent; up; up = wiring_.plan.scopes[*up].parent) {
    if (*up == scope) return true;
  }
  return false;
}

void LocateRound::Ask(size_t scope, const Content& content) {
  const feed::QuestionId id(++questions_);
  own_[{scope, id}] = content;
  feed::LocateQuestion question;
  question.key = content.key;
  question.canonical_uri = content.uri;
  question.time_left = kAnswerWithin;
  desks_[scope]->OnQuestion(id, feed::NeighbourId(), question, wiring_.queue.now());
  Act(scope);
}

void LocateRound::Act(size_t scope) {
  for (const feed::LocateAction& action : desks_[scope]->TakeActions()) {
    std::visit([this, scope](const auto& one) { Do(scope, one); }, action);
  }
  wiring_.queue.At(desks_[scope]->NextDeadline(), [this, scope] {
    if (desks_[scope]->NextDeadline() > wiring_.queue.now()) return;
    desks_[scope]->OnTimer(wiring_.queue.now());
    Act(scope);
  });
}

void LocateRound::Later(std::function<void()> what) {
  wiring_.queue.After(wiring_.random.Between(Duration::zero(), wiring_.plan.link.delay_max),
                      std::move(what));
}

void LocateRound::Do(size_t scope, const feed::AskAction& ask) {
  const size_t to = ScopeOf(ask.to);
  const feed::QuestionId id(++questions_);
  askers_[{to, id}] = {scope, ask.number};
  Later([this, scope, to, id, question = ask.question] {
    desks_[to]->OnQuestion(id, IdOf(scope), question, wiring_.queue.now());
    Act(to);
  });
}

void LocateRound::Do(size_t scope, const feed::AnswerAction& answer) {
  const DeskQuestion question{scope, answer.question};
  const auto own = own_.find(question);
  if (own != own_.end()) {
    Judge(scope, own->second, answer.answer);
    own_.erase(own);
    return;
  }
  const Asker asker = askers_.at(question);
  askers_.erase(question);
  Later([this, scope, asker, answer = answer.answer] {
    desks_[asker.scope]->OnAnswer(IdOf(scope), asker.number, answer, wiring_.queue.now());
    Act(asker.scope);
  });
}

void LocateRound::AddFarmsBelow(size_t scope, const farm::ContentKey& key, Copies& copies) const {
  for (size_t farm = 0; farm < scopes_.size(); ++farm) {
    if (farm != scope && !IsBelow(scope, farm)) continue;
    const auto there = wiring_.truth.OfFarm(farm).find(key);
    if (there != wiring_.truth.OfFarm(farm).end()) {
      copies.insert(there->second.begin(), there->second.end());
    }
  }
}

void LocateRound::Judge(size_t scope, const Content& content,
                        const StatusOr<feed::LocateAnswer>& answer) {
  const std::string who = wiring_.scope(scope) + ", asked for " + content.uri;
  if (!answer.ok() || answer->partial()) {
    wiring_.Fail("locate",
                 who + ", has gaps: " +
                     (answer.ok() ? ToString(answer->gaps.front()) : MessageOf(answer.status())));
    return;
  }
  Copies expected;
  AddFarmsBelow(scope, content.key, expected);
  for (auto up = wiring_.plan.scopes[scope].parent; up && expected.empty();
       up = wiring_.plan.scopes[*up].parent) {
    AddFarmsBelow(*up, content.key, expected);
  }
  Copies found;
  for (const feed::LocatedCopy& copy : answer->copies) found[copy.holder] = copy.flags;
  const std::string difference = DifferenceOf({{content.key, found}}, {{content.key, expected}});
  if (!difference.empty()) wiring_.Fail("locate", who + ": " + difference);
}

}  // namespace strata::simulation::federation

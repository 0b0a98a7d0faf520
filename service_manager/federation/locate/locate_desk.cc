#include "service_manager/federation/locate/locate_desk.h"

#include "common/tls/identity.h"
#include "service_manager/federation/mutants.h"

namespace strata::manager::federation {
namespace {

// What is missing in an answer because a neighbour refused the question.
GapReason ReasonOf(const Status& refusal) {
  switch (refusal.code()) {
    case StatusCode::kResourceExhausted:
      return GapReason::kBusy;
    case StatusCode::kUnavailable:
      return GapReason::kLost;
    case StatusCode::kDeadlineExceeded:
      return GapReason::kSilent;
    default:
      return GapReason::kRefused;
  }
}

}  // namespace

LocateDesk::LocateDesk(std::string scope, const LocateSettings& settings, Directory directory)
    : scope_(std::move(scope)),
      settings_(settings),
      directory_(std::move(directory)),
      asks_(settings.asks_per_neighbour_max),
      cache_(settings.cache) {}

// ---- Neighbours.

void LocateDesk::OnParent(Neighbour parent, Timestamp now) {
  if (const auto before = neighbours_.parent()) OnDisconnected(before->id, now);
  neighbours_.SetParent(std::move(parent));
}

void LocateDesk::OnChild(Neighbour child, Timestamp now) {
  if (const auto before = neighbours_.Child(child.scope)) OnDisconnected(*before, now);
  neighbours_.SetChild(std::move(child));
}

void LocateDesk::OnDisconnected(NeighbourId id, Timestamp now) {
  neighbours_.Remove(id);
  for (const QuestionId question : questions_.With(id)) OnAskerGone(question);
  for (const AskBoard::Row& ask : asks_.TakeAll(id)) GoOnWithout(ask, GapReason::kLost, now);
}

std::string LocateDesk::ChildScope(NeighbourId id) const {
  if (neighbours_.IsParent(id)) return {};
  const auto child = neighbours_.Find(id);
  return child ? child->scope : std::string();
}

// ---- A question comes.

Status LocateDesk::JudgeLoad(NeighbourId from) const {
  if (questions_.size() >= settings_.questions_max) {
    return ResourceExhausted("%s has %zu questions open, it takes no more", scope_.c_str(),
                             questions_.size());
  }
  if (questions_.CountWith(from) >= settings_.questions_per_asker_max) {
    return ResourceExhausted("%s has %zu questions of one asker open, it takes no more",
                             scope_.c_str(), questions_.CountWith(from));
  }
  return Ok();
}

Status LocateDesk::JudgeQuestion(NeighbourId from, const LocateQuestion& question) const {
  if (from != NeighbourId() && !neighbours_.Find(from)) {
    return InvalidArgument("the asker is not connected to %s", scope_.c_str());
  }
  STRATA_RETURN_IF_ERROR(CheckQuestion(question));
  const std::string child = ChildScope(from);
  if (child.empty()) return Ok();
  for (const std::string& scope : question.visited) {
    if (tls::ScopeCovers(child, scope)) continue;
    return InvalidArgument("%s asks for %s, which does not lie below it", child.c_str(),
                           scope.c_str());
  }
  return Ok();
}

void LocateDesk::OnQuestion(QuestionId id, NeighbourId from, LocateQuestion question,
                            Timestamp now) {
  ++counters_.questions;
  if (const Status overload = JudgeLoad(from); !overload.ok()) {
    ++counters_.overloaded;
    return Refuse(id, overload);
  }
  if (const Status wrong = JudgeQuestion(from, question); !wrong.ok()) {
    ++counters_.refused;
    return Refuse(id, wrong);
  }
  const Timestamp end = now + question.time_left;
  const farm::ContentKey key = question.key;
  const bool visited =
      std::find(question.visited.begin(), question.visited.end(), scope_) != question.visited.end();
  Inquiry inquiry;
  inquiry.question = std::move(question);
  inquiry.asked = now;
  inquiry.end = end;
  Questions::Row& row =
      questions_.Add(id, {.key = key, .with = from, .deadline = end, .item = std::move(inquiry)});
  if (!visited) return Begin(id, row, now);
  row.item.answer.AddGap({scope_, GapReason::kVisited});
  Answer(id, now);
}

void LocateDesk::OnAskerGone(QuestionId id) {
  Questions::Row* row = questions_.Find(id);
  if (row == nullptr) return;
  StopWaiting(id, row->item);
  questions_.Take(id);
}

// ---- Its way.

void LocateDesk::Begin(QuestionId id, Questions::Row& row, Timestamp now) {
  Inquiry& inquiry = row.item;
  inquiry.looked = now;
  const LocalCopies local = directory_(row.key, inquiry.question.canonical_uri);
  if (local.purges.applied < inquiry.question.purged && !STRATA_MUTANT(kBehindAnswers)) {
    inquiry.answer.AddGap({scope_, GapReason::kBehind});
    return Answer(id, now);
  }
  if (!STRATA_MUTANT(kPurgeNotAsked)) {
    inquiry.question.purged = std::max(inquiry.question.purged, local.purges.purged);
  }
  LocatePlan plan = PlanDown(local, neighbours_, inquiry.question, ChildScope(row.with));
  inquiry.answer.AddCopies(plan.found);
  inquiry.answer.EndBy(now + local.lifetime);
  for (LocateGap& gap : plan.gaps) inquiry.answer.AddGap(std::move(gap));
  inquiry.behind = std::move(plan.behind);
  inquiry.to_ask = {plan.ask.rbegin(), plan.ask.rend()};
  questions_.Reschedule(id, row, DownDeadline(row, now));
  Advance(id, row, now);
}

Timestamp LocateDesk::DownDeadline(const Questions::Row& row, Timestamp now) const {
  const bool may_climb = neighbours_.parent() && !neighbours_.IsParent(row.with) &&
                         !row.item.answer.CanServe() && !row.item.to_ask.empty();
  return may_climb ? now + (row.item.end - now) / 2 : row.item.end;
}

void LocateDesk::Advance(QuestionId id, Questions::Row& row, Timestamp now) {
  Inquiry& inquiry = row.item;
  do {
    while (!inquiry.to_ask.empty() && inquiry.waits.size() < settings_.children_at_once) {
      const Neighbour next = std::move(inquiry.to_ask.back());
      inquiry.to_ask.pop_back();
      Ask(id, row, next, now);
    }
    if (!inquiry.waits.empty()) return;
  } while (Climb(id, row));
  Answer(id, now);
}

bool LocateDesk::Climb(QuestionId id, Questions::Row& row) {
  Inquiry& inquiry = row.item;
  if (inquiry.climbed || neighbours_.IsParent(row.with) || inquiry.answer.CanServe()) return false;
  inquiry.climbed = true;
  if (!neighbours_.parent()) {
    if (settings_.has_parent) inquiry.answer.AddGap({scope_, GapReason::kNoParent});
    return false;
  }
  inquiry.to_ask.push_back(*neighbours_.parent());
  questions_.Reschedule(id, row, inquiry.end);
  return true;
}

void LocateDesk::Ask(QuestionId id, Questions::Row& row, const Neighbour& neighbour,
                     Timestamp now) {
  const std::optional<GapReason> gap = TryToAsk(id, row, neighbour, now);
  if (gap) Miss(row.item, neighbour.scope, *gap);
}

std::optional<GapReason> LocateDesk::TryToAsk(QuestionId id, Questions::Row& row,
                                              const Neighbour& neighbour, Timestamp now) {
  Inquiry& inquiry = row.item;
  const LocateQuestion& question = inquiry.question;
  if (!neighbours_.Find(neighbour.id)) return GapReason::kNoLink;
  const auto* kept = question.trace ? nullptr : cache_.Find(neighbour.id, row.key, now);
  if (kept != nullptr) {
    ++counters_.remembered;
    inquiry.answer.AddCopies(kept->copies);
    if (!STRATA_MUTANT(kKeptAnew)) inquiry.answer.EndBy(kept->until);
    return std::nullopt;
  }
  if (question.hops_left == 0 || question.visited.size() >= kLocateHopsMax) {
    return GapReason::kTooFar;
  }
  const Duration left = row.deadline - now;
  const Duration time = left - std::max(left / kReturnShare, kHopTimeMin);
  if (time < kHopTimeMin) return GapReason::kNoTime;
  AskNumber number;
  if (!question.trace) number = asks_.Join(neighbour.id, question, now + left / 2, id);
  if (number != AskNumber()) {
    ++counters_.joined;
  } else {
    number = asks_.Open(neighbour.id, question, now, row.deadline, id);
    if (number == AskNumber()) return GapReason::kBusy;
    Send(number, neighbour.id, question, time);
  }
  inquiry.waits.push_back({number, neighbour.scope});
  return std::nullopt;
}

void LocateDesk::Send(AskNumber number, NeighbourId to, const LocateQuestion& question,
                      Duration time) {
  ++counters_.asked;
  AskAction action{to, number, question};
  if (!STRATA_MUTANT(kHopsNotCounted)) --action.question.hops_left;
  if (!STRATA_MUTANT(kVisitedNotPassedOn)) action.question.visited.push_back(scope_);
  action.question.time_left = time;
  actions_.emplace_back(std::move(action));
}

void LocateDesk::Refuse(QuestionId id, const Status& why) {
  actions_.emplace_back(AnswerAction{id, why});
}

void LocateDesk::Answer(QuestionId id, Timestamp now) {
  std::optional<Questions::Row> row = questions_.Take(id);
  Inquiry& inquiry = row->item;
  inquiry.answer.EndBy(inquiry.looked +
                       (inquiry.answer.empty() ? settings_.none_kept : settings_.found_kept));
  LocateAnswer answer = inquiry.answer.Finish(scope_, inquiry.question.trace, inquiry.asked, now);
  if (answer.partial()) ++counters_.partial;
  actions_.emplace_back(AnswerAction{id, std::move(answer)});
}

// ---- Answers of others.

void LocateDesk::OnAnswer(NeighbourId from, AskNumber number, StatusOr<LocateAnswer> answer,
                          Timestamp now) {
  const std::optional<AskBoard::Row> ask = asks_.Take(from, number);
  if (!ask || ask->item.outdated) {
    if (answer.ok()) ++counters_.late;
    return;
  }
  if (const std::optional<GapReason> wrong = JudgeAnswer(from, answer)) {
    return GoOnWithout(*ask, *wrong, now);
  }
  Keep(*ask, *answer, now);
  for (const QuestionId id : ask->item.waiters) {
    Questions::Row& row = *questions_.Find(id);
    std::erase_if(row.item.waits, [number](const Wait& wait) { return wait.ask == number; });
    row.item.answer.AddAnswer(*answer, ask->item.sent, now);
    Advance(id, row, now);
    if (STRATA_MUTANT(kMergedAnsweredOnce)) break;
  }
}

std::optional<GapReason> LocateDesk::JudgeAnswer(NeighbourId from, StatusOr<LocateAnswer>& answer) {
  if (!answer.ok()) {
    const GapReason reason = ReasonOf(answer.status());
    if (reason == GapReason::kSilent) ++counters_.silent;
    return reason;
  }
  const std::string child = ChildScope(from);
  const auto is_foreign = [&child](const LocatedCopy& copy) {
    return !tls::ScopeCovers(child, copy.holder.scope);
  };
  std::vector<LocatedCopy>& copies = answer->copies;
  if (!CheckAnswer(*answer).ok() ||
      (!child.empty() && std::any_of(copies.begin(), copies.end(), is_foreign))) {
    ++counters_.wrong;
    return GapReason::kRefused;
  }
  if (child.empty()) {
    std::erase_if(copies, [this](const LocatedCopy& copy) {
      return tls::ScopeCovers(scope_, copy.holder.scope);
    });
  }
  return std::nullopt;
}

void LocateDesk::Keep(const AskBoard::Row& ask, const LocateAnswer& answer, Timestamp now) {
  const Timestamp until = ask.item.sent + answer.keep_for;
  if (!answer.partial() && until > now) cache_.Keep(ask.with, ask.key, answer.copies, until);
}

void LocateDesk::GoOnWithout(const AskBoard::Row& ask, GapReason reason, Timestamp now) {
  for (const QuestionId id : ask.item.waiters) {
    Questions::Row& row = *questions_.Find(id);
    std::vector<Wait>& waits = row.item.waits;
    const auto wait = std::find_if(waits.begin(), waits.end(),
                                   [&ask](const Wait& one) { return one.ask == ask.item.number; });
    const std::string scope = wait->scope;
    waits.erase(wait);
    Miss(row.item, scope, reason);
    Advance(id, row, now);
  }
}

void LocateDesk::Miss(Inquiry& inquiry, const std::string& scope, GapReason reason) {
  inquiry.answer.AddGap({scope, reason});
  for (const LocatedCopy& copy : inquiry.behind) {
    if (tls::ScopeCovers(scope, copy.holder.scope)) inquiry.answer.AddCopies({&copy, 1});
  }
}

// ---- Time and purges.

void LocateDesk::OnTimer(Timestamp now) {
  while (const std::optional<AskBoard::Row> ask = asks_.TakeDue(now)) {
    if (!ask->item.outdated) ++counters_.silent;
    GoOnWithout(*ask, GapReason::kSilent, now);
  }
  while (const std::optional<QuestionId> id = questions_.Due(now)) OnPhaseEnd(*id, now);
}

void LocateDesk::OnPhaseEnd(QuestionId id, Timestamp now) {
  Questions::Row& row = *questions_.Find(id);
  for (const Wait& wait : row.item.waits) Miss(row.item, wait.scope, GapReason::kSilent);
  for (const Neighbour& child : row.item.to_ask) Miss(row.item, child.scope, GapReason::kNoTime);
  StopWaiting(id, row.item);
  Advance(id, row, now);
}

void LocateDesk::StopWaiting(QuestionId id, Inquiry& inquiry) {
  for (const Wait& wait : inquiry.waits) asks_.Leave(wait.ask, id);
  inquiry.waits.clear();
  inquiry.to_ask.clear();
}

void LocateDesk::OnPurge(std::span<const farm::ContentKey> keys, Timestamp now) {
  for (const farm::ContentKey& key : keys) {
    if (!STRATA_MUTANT(kPurgeKeepsAnswers)) cache_.Drop(key);
    if (!STRATA_MUTANT(kPurgeKeepsAsks)) asks_.Outdate(key);
    for (const QuestionId id : questions_.OfKey(key)) Restart(id, now);
  }
}

void LocateDesk::OnPurgeOfAll(Timestamp now) {
  cache_.DropAll();
  asks_.OutdateAll();
  for (const QuestionId id : questions_.All()) Restart(id, now);
}

void LocateDesk::Restart(QuestionId id, Timestamp now) {
  ++counters_.restarted;
  Questions::Row& row = *questions_.Find(id);
  Inquiry& inquiry = row.item;
  StopWaiting(id, inquiry);
  inquiry.answer = AnswerSoFar();
  inquiry.behind.clear();
  inquiry.climbed = false;
  if (++inquiry.purges <= kPurgesPerQuestionMax) return Begin(id, row, now);
  inquiry.answer.AddGap({scope_, GapReason::kPurged});
  Answer(id, now);
}

}  // namespace strata::manager::federation

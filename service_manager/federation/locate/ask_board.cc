#include "service_manager/federation/locate/ask_board.h"

#include "service_manager/federation/mutants.h"

namespace strata::manager::federation {

AskNumber AskBoard::Join(NeighbourId to, const LocateQuestion& question, Timestamp ends_min,
                         QuestionId id) {
  for (const AskNumber number : asks_.OfKey(question.key)) {
    Row& row = *asks_.Find(number);
    const Ask& ask = row.item;
    if (row.with != to || !ask.shared || ask.outdated || row.deadline < ends_min) continue;
    const bool shorter = ask.hops_left < question.hops_left && !STRATA_MUTANT(kJoinsFewerHops);
    if (shorter || ask.purged < question.purged) continue;
    row.item.waiters.push_back(id);
    return number;
  }
  return AskNumber();
}

AskNumber AskBoard::Open(NeighbourId to, const LocateQuestion& question, Timestamp now,
                         Timestamp deadline, QuestionId id) {
  if (asks_.CountWith(to) >= per_neighbour_max_) return AskNumber();
  const AskNumber number(++last_);
  asks_.Add(number, {.key = question.key,
                     .with = to,
                     .deadline = deadline,
                     .item = {.number = number,
                              .purged = question.purged,
                              .hops_left = question.hops_left,
                              .sent = now,
                              .shared = !question.trace,
                              .outdated = false,
                              .waiters = {id}}});
  return number;
}

void AskBoard::Leave(AskNumber number, QuestionId id) {
  if (Row* row = asks_.Find(number)) std::erase(row->item.waiters, id);
}

void AskBoard::Outdate(const farm::ContentKey& key) { Outdate(asks_.OfKey(key)); }

void AskBoard::OutdateAll() { Outdate(asks_.All()); }

void AskBoard::Outdate(const std::vector<AskNumber>& numbers) {
  for (const AskNumber number : numbers) {
    Ask& ask = asks_.Find(number)->item;
    ask.outdated = true;
    ask.waiters.clear();
  }
}

std::optional<AskBoard::Row> AskBoard::Take(NeighbourId from, AskNumber number) {
  const Row* row = asks_.Find(number);
  if (row == nullptr || row->with != from) return std::nullopt;
  return asks_.Take(number);
}

std::vector<AskBoard::Row> AskBoard::TakeAll(NeighbourId from) {
  std::vector<Row> rows;
  for (const AskNumber number : asks_.With(from)) rows.push_back(*asks_.Take(number));
  return rows;
}

std::optional<AskBoard::Row> AskBoard::TakeDue(Timestamp now) {
  const std::optional<AskNumber> number = asks_.Due(now);
  return number ? asks_.Take(*number) : std::nullopt;
}

}  // namespace strata::manager::federation

#include "farm/table_replica.h"

namespace strata::farm {

void TableReplica::OnView(const std::vector<Member>& members) {
  managers_.clear();
  members_.clear();
  for (const Member& member : members) {
    members_.push_back(member.id);
    if (member.manager) managers_.insert(member.id);
  }
  table_.SetView(members_);
}

void TableReplica::OnCommitted(EngineId origin, ByteSpan message, uint64_t commit_number,
                               Timestamp now) {
  commit_number_ = commit_number;
  const StatusOr<Message> decoded = Decode(message);
  if (!decoded.ok()) return;
  Count(table_.Apply(*decoded, origin, managers_.contains(origin), now), counters_.applied);
  // A row that has just come knows nothing of the view yet.
  if (std::holds_alternative<EngineRegistered>(*decoded)) table_.SetView(members_);
}

void TableReplica::OnReceived(EngineId origin, ByteSpan message, Timestamp now) {
  const StatusOr<Message> decoded = Decode(message);
  if (!decoded.ok()) return;
  const auto* report = std::get_if<LoadReport>(&*decoded);
  if (report == nullptr) {
    ++counters_.wrong_stream;
    return;
  }
  Count(table_.ApplyLoad(*report, origin, now), counters_.loads);
}

Status TableReplica::InstallSnapshot(ByteSpan state, uint64_t commit_number, Timestamp now) {
  STRATA_RETURN_IF_ERROR(table_.Restore(state, now));
  table_.SetView(members_);
  commit_number_ = commit_number;
  return Ok();
}

StatusOr<Message> TableReplica::Decode(ByteSpan message) {
  StatusOr<Message> decoded = DecodeMessage(message);
  if (!decoded.ok()) ++counters_.malformed;
  return decoded;
}

void TableReplica::Count(StateTable::Applied applied, uint64_t& taken) {
  switch (applied) {
    case StateTable::Applied::kYes:
      ++taken;
      break;
    case StateTable::Applied::kUnknownEngine:
      ++counters_.unknown_engine;
      break;
    case StateTable::Applied::kNotItsBusiness:
      ++counters_.not_its_business;
      break;
    case StateTable::Applied::kOld:
      ++counters_.old;
      break;
    case StateTable::Applied::kNotHere:
      ++counters_.wrong_stream;
      break;
  }
}

}  // namespace strata::farm

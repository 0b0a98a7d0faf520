#include "farm/table_replica.h"

#include <utility>

#include "common/field_codec.h"

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

std::optional<Message> TableReplica::OnCommitted(EngineId origin, ByteSpan message,
                                                 uint64_t commit_number, Timestamp now) {
  commit_number_ = commit_number;
  StatusOr<Message> decoded = Decode(message);
  if (!decoded.ok()) return std::nullopt;
  if (!Count(Apply(*decoded, origin, now), counters_.applied)) return std::nullopt;
  // A row that has just come knows nothing of the view yet.
  if (std::holds_alternative<EngineRegistered>(*decoded)) table_.SetView(members_);
  return *std::move(decoded);
}

StateTable::Applied TableReplica::Apply(const Message& message, EngineId origin, Timestamp now) {
  using Applied = StateTable::Applied;
  const bool manager = managers_.contains(origin);
  if (std::holds_alternative<Present>(message)) return Applied::kNotHere;
  if (EngineOf(message) != EngineId()) return table_.Apply(message, origin, manager, now);
  // What is about the whole farm only managers may say.
  if (!manager) return Applied::kNotItsBusiness;
  bool applied = true;
  if (const auto* site = std::get_if<SiteApplied>(&message)) applied = ledger_.Apply(*site);
  if (const auto* removed = std::get_if<SiteRemoved>(&message)) applied = ledger_.Apply(*removed);
  if (const auto* purged = std::get_if<Purged>(&message)) applied = ledger_.Apply(*purged);
  return applied ? Applied::kYes : Applied::kOld;
}

std::optional<Message> TableReplica::OnReceived(EngineId origin, ByteSpan message, Timestamp now) {
  StatusOr<Message> decoded = Decode(message);
  if (!decoded.ok()) return std::nullopt;
  if (std::holds_alternative<Present>(*decoded)) return std::nullopt;
  if (std::holds_alternative<Probed>(*decoded)) return *std::move(decoded);
  const auto* report = std::get_if<LoadReport>(&*decoded);
  if (report == nullptr) {
    ++counters_.wrong_stream;
    return std::nullopt;
  }
  Count(table_.ApplyLoad(*report, origin, now), counters_.loads);
  return std::nullopt;
}

Bytes TableReplica::TakeSnapshot(Timestamp now, std::optional<EngineId> light) const {
  const Bytes ledger = ledger_.Snapshot();
  const Bytes table = table_.Snapshot(now, light);
  Bytes bytes;
  bytes.reserve(sizeof(uint64_t) + ledger.size() + table.size());
  FieldAppender out(bytes);
  out.U64(ledger.size());
  out.Put(ledger);
  out.Put(table);
  return bytes;
}

Status TableReplica::InstallSnapshot(ByteSpan state, uint64_t commit_number, Timestamp now) {
  ByteReader in(state);
  const ByteSpan ledger_bytes = in.Take(in.U64());
  if (!in.ok()) return InvalidArgument("the site ledger is cut off");
  SiteLedger ledger = ledger_;  // It is restored only if the table is.
  STRATA_RETURN_IF_ERROR(ledger.Restore(ledger_bytes));
  STRATA_RETURN_IF_ERROR(table_.Restore(in.Rest(), now));
  ledger_ = std::move(ledger);
  table_.SetView(members_);
  commit_number_ = commit_number;
  return Ok();
}

TableDigest TableReplica::digest() const {
  TableDigest digest = ledger_.digest();
  digest.Add(table_.digest());
  return digest;
}

TableDigest TableReplica::DigestOfLight(EngineId engine) const {
  TableDigest digest = ledger_.digest();
  digest.Add(table_.DigestOfLight(engine));
  return digest;
}

StatusOr<Message> TableReplica::Decode(ByteSpan message) {
  StatusOr<Message> decoded = DecodeMessage(message);
  if (!decoded.ok()) ++(IsOfLaterVersion(message) ? counters_.later_version : counters_.malformed);
  return decoded;
}

bool TableReplica::Count(StateTable::Applied applied, uint64_t& taken) {
  switch (applied) {
    case StateTable::Applied::kYes:
      ++taken;
      return true;
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
  return false;
}

}  // namespace strata::farm

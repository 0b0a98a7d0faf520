#include "service_manager/rpc/mirror_messages.h"

#include <utility>

#include "service_manager/store/limits.h"

namespace strata::manager::rpc {

namespace v1 = strata::manager::mirror::v1;

v1::MirrorPosition ToProto(const store::MirrorPosition& position) {
  v1::MirrorPosition out;
  out.set_term(position.term);
  out.set_number(position.number);
  return out;
}

store::MirrorPosition FromProto(const v1::MirrorPosition& position) {
  return {.term = position.term(), .number = position.number()};
}

v1::FollowReply ToReply(const store::MirroredStore::Entry& entry) {
  v1::FollowReply reply;
  v1::Intent& intent = *reply.mutable_intent();
  *intent.mutable_position() = ToProto(entry.position);
  for (const auto& put : entry.batch.puts) {
    v1::Put& out = *intent.add_puts();
    out.set_table(put.table);
    out.set_key(put.key);
    out.set_value(put.value);
  }
  for (const auto& gone : entry.batch.deletes) {
    v1::Delete& out = *intent.add_deletes();
    out.set_table(gone.table);
    out.set_key(gone.key);
  }
  for (const auto& append : entry.batch.appends) {
    v1::Append& out = *intent.add_appends();
    out.set_log(append.log);
    out.set_record(append.record);
    out.set_position(append.position);
  }
  for (const auto& trim : entry.batch.trims) {
    v1::Trim& out = *intent.add_trims();
    out.set_log(trim.log);
    out.set_before(trim.before);
  }
  return reply;
}

store::MirroredStore::Entry FromProto(const v1::Intent& intent) {
  store::MirroredStore::Entry entry;
  entry.position = FromProto(intent.position());
  for (const v1::Put& put : intent.puts()) {
    entry.batch.puts.push_back({put.table(), put.key(), put.value()});
  }
  for (const v1::Delete& gone : intent.deletes()) {
    entry.batch.deletes.push_back({gone.table(), gone.key()});
  }
  for (const v1::Append& append : intent.appends()) {
    entry.batch.appends.push_back({append.log(), append.record(), append.position()});
  }
  for (const v1::Trim& trim : intent.trims()) {
    entry.batch.trims.push_back({trim.log(), trim.before()});
  }
  return entry;
}

std::vector<v1::FollowReply> ToReplies(const store::MirroredStore::Copy& copy) {
  std::vector<v1::FollowReply> parts(1);
  size_t bytes = 0;
  for (const store::IntentRecord& record : copy.records) {
    if (bytes >= kCopyPartBytes) {
      parts.emplace_back();
      bytes = 0;
    }
    v1::Record& out = *parts.back().mutable_copy()->add_records();
    out.set_key(record.key);
    out.set_value(record.value);
    bytes += record.key.size() + record.value.size();
  }
  *parts.back().mutable_copy()->mutable_position() = ToProto(copy.position);
  return parts;
}

StatusOr<bool> CopyJoiner::Add(const v1::CopyPart& part) {
  for (const v1::Record& record : part.records()) {
    bytes_ += record.key().size() + record.value().size();
    if (bytes_ > store::kIntentsBytesMax) {
      return ResourceExhausted("a copy of more than %zu bytes", store::kIntentsBytesMax);
    }
    copy_.records.push_back({record.key(), record.value()});
  }
  if (!part.has_position()) return false;
  copy_.position = FromProto(part.position());
  return true;
}

store::MirroredStore::Copy CopyJoiner::Take() {
  bytes_ = 0;
  return std::exchange(copy_, {});
}

}  // namespace strata::manager::rpc

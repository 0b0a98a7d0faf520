#include "service_manager/rpc/copy_exchange.h"

#include <algorithm>
#include <string>
#include <utility>

#include "farm/content_identity.h"

namespace strata::manager::rpc {
namespace {

using control::DrainDesk;
using control::DrainPlan;

StatusOr<farm::ContentKey> KeyFrom(const std::string& bytes) {
  if (bytes.size() != farm::ContentKey::kBytes) {
    return InvalidArgument("key: %zu bytes, not %zu", bytes.size(), farm::ContentKey::kBytes);
  }
  ByteReader in(AsBytes(bytes));
  return farm::DecodeContentKey(in);
}

std::string BytesOf(const farm::ContentKey& key) {
  std::string bytes(farm::ContentKey::kBytes, '\0');
  ByteWriter out({reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  farm::Encode(key, out);
  return bytes;
}

StatusOr<DrainPlan::Original> OriginalOf(const v1::PreparedCopy& copy,
                                         const farm::ContentKey& key) {
  DrainPlan::Original original;
  // Others fetch what the URI names, and keep it under that name.
  if (copy.uri().size() > farm::kMaxCanonicalUriBytes || farm::KeyOf(copy.uri()) != key) {
    return InvalidArgument("uri: not that of the key %s", ToString(key).c_str());
  }
  if (copy.sha256().size() != original.sha256.size()) {
    return InvalidArgument("sha256: %zu bytes", copy.sha256().size());
  }
  original.uri = copy.uri();
  original.size = copy.size();
  std::copy(copy.sha256().begin(), copy.sha256().end(), original.sha256.begin());
  original.purge_position = copy.purge_position();
  return original;
}

}  // namespace

StatusOr<std::vector<DrainDesk::Prepared>> PreparedOf(const v1::ExchangeCopiesRequest& request) {
  if (request.prepared_size() > kCopyAnswersMax) {
    return InvalidArgument("prepared: at most %d", kCopyAnswersMax);
  }
  std::vector<DrainDesk::Prepared> all;
  for (const v1::PreparedCopy& copy : request.prepared()) {
    DrainDesk::Prepared prepared;
    STRATA_ASSIGN_OR_RETURN(prepared.key, KeyFrom(copy.key()));
    prepared.problem = copy.problem().substr(0, kCopyProblemBytesMax);
    if (prepared.problem.empty()) {
      STRATA_ASSIGN_OR_RETURN(prepared.original, OriginalOf(copy, prepared.key));
    }
    all.push_back(std::move(prepared));
  }
  return all;
}

StatusOr<std::vector<DrainDesk::Copied>> CopiedOf(const v1::ExchangeCopiesRequest& request) {
  if (request.done_size() > kCopyAnswersMax) {
    return InvalidArgument("done: at most %d", kCopyAnswersMax);
  }
  std::vector<DrainDesk::Copied> all;
  for (const v1::CopyDone& done : request.done()) {
    DrainDesk::Copied copied;
    STRATA_ASSIGN_OR_RETURN(copied.key, KeyFrom(done.key()));
    copied.problem = done.problem().substr(0, kCopyProblemBytesMax);
    all.push_back(std::move(copied));
  }
  return all;
}

void PutWork(const DrainDesk::Work& work, v1::ExchangeCopiesReply* reply) {
  for (const farm::ContentKey& key : work.prepare) reply->add_prepare(BytesOf(key));
  for (const DrainPlan::Order& order : work.copies) {
    v1::CopyOrder* copy = reply->add_copies();
    copy->set_key(BytesOf(order.key));
    copy->set_source(order.source.value());
    copy->set_uri(order.original.uri);
    copy->set_size(order.original.size);
    copy->set_sha256(order.original.sha256.data(), order.original.sha256.size());
    copy->set_purge_position(order.original.purge_position);
  }
}

void PutDrain(const std::optional<DrainDesk::Report>& report, v1::Drain* drain) {
  drain->set_known(report.has_value());
  if (!report) return;
  drain->set_safe(report->safe);
  drain->set_contents_left(report->progress.contents_left);
  drain->set_bytes_left(report->progress.bytes_left);
  drain->set_in_flight(report->progress.in_flight);
  drain->set_failing(report->progress.failing);
  drain->set_copied(report->copied);
  for (const DrainPlan::Problem& problem : report->progress.problems) {
    v1::DrainProblem* added = drain->add_problems();
    added->set_key(ToString(problem.key));
    added->set_uri(problem.uri);
    added->set_text(problem.text);
  }
}

}  // namespace strata::manager::rpc

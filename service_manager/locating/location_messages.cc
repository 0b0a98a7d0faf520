#include "service_manager/locating/location_messages.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "common/bytes.h"
#include "farm/engine.h"
#include "service_manager/directory/location.h"

namespace strata::manager::locating {
namespace {

using federation::GapReason;
using federation::LocateAnswer;
using federation::LocatedCopy;
using federation::LocateGap;
using federation::LocateHop;
using federation::LocateQuestion;
using std::chrono::microseconds;

static_assert(static_cast<int>(federation::kGapReasonLast) == v1::GapReason_MAX);
static_assert(static_cast<int>(GapReason::kNoLink) == v1::NO_LINK);
static_assert(static_cast<int>(GapReason::kSilent) == v1::SILENT);
static_assert(static_cast<int>(GapReason::kBusy) == v1::BUSY);
static_assert(static_cast<int>(GapReason::kBehind) == v1::BEHIND);

uint64_t Micros(Duration span) {
  return static_cast<uint64_t>(std::max(span, Duration::zero()) / microseconds(1));
}

StatusOr<Duration> SpanOf(uint64_t micros, Duration max, const char* field) {
  if (micros <= Micros(max)) return microseconds(static_cast<int64_t>(micros));
  return InvalidArgument("%s: %llu us are more than %g s", field,
                         static_cast<unsigned long long>(micros), Seconds(max));
}

Status CheckCount(int count, size_t max, const char* field) {
  if (static_cast<size_t>(count) <= max) return Ok();
  return InvalidArgument("%s: %d are more than %zu", field, count, max);
}

void PutCopy(const LocatedCopy& copy, v1::Copy& out) {
  out.set_scope(copy.holder.scope);
  out.set_engine(copy.holder.engine);
  for (const Endpoint& client : copy.clients) out.add_clients(ToString(client));
  out.set_library((copy.flags & directory::kLibrary) != 0);
  out.set_complete((copy.flags & directory::kComplete) != 0);
  out.set_size(copy.size);
  out.set_stale(copy.stale);
}

StatusOr<LocatedCopy> CopyOf(const v1::Copy& copy) {
  STRATA_RETURN_IF_ERROR(
      CheckCount(copy.clients_size(), farm::kMaxEngineAddresses, "client addresses"));
  LocatedCopy result{.holder = {.scope = copy.scope(), .engine = copy.engine()},
                     .flags = 0,
                     .size = copy.size(),
                     .stale = copy.stale()};
  for (const std::string& client : copy.clients()) {
    STRATA_ASSIGN_OR_RETURN(Endpoint endpoint, Endpoint::Parse(client));
    endpoint.interface = 0;  // It would be one of the other machine.
    result.clients.push_back(endpoint);
  }
  if (copy.library()) result.flags |= directory::kLibrary;
  if (copy.complete()) result.flags |= directory::kComplete;
  return result;
}

void PutHop(const LocateHop& hop, v1::Hop& out) {
  out.set_scope(hop.scope);
  out.set_depth(hop.depth);
  out.set_copies(hop.copies);
  out.set_took_us(Micros(hop.took));
  out.set_round_trip_us(Micros(hop.round_trip));
}

StatusOr<LocateHop> HopOf(const v1::Hop& hop) {
  STRATA_ASSIGN_OR_RETURN(const Duration took,
                          SpanOf(hop.took_us(), federation::kLocateTimeMax, "trace: time"));
  STRATA_ASSIGN_OR_RETURN(
      const Duration round_trip,
      SpanOf(hop.round_trip_us(), federation::kLocateTimeMax, "trace: round trip"));
  return LocateHop{.scope = hop.scope(),
                   .depth = hop.depth(),
                   .copies = hop.copies(),
                   .took = took,
                   .round_trip = round_trip};
}

void PutGap(const LocateGap& gap, v1::Gap& out) {
  out.set_scope(gap.scope);
  out.set_reason(static_cast<v1::GapReason>(gap.reason));
}

template <class Reply>
void PutAnswer(const LocateAnswer& answer, Reply& reply) {
  for (const LocatedCopy& copy : answer.copies) PutCopy(copy, *reply.add_copies());
  for (const LocateGap& gap : answer.gaps) PutGap(gap, *reply.add_gaps());
  for (const LocateHop& hop : answer.trace) PutHop(hop, *reply.add_hops());
}

}  // namespace

void ToProto(const LocateQuestion& question, v1::LocateRequest& request) {
  std::array<uint8_t, farm::ContentKey::kBytes> key{};
  ByteWriter writer(key);
  farm::Encode(question.key, writer);
  request.set_key(key.data(), key.size());
  request.set_canonical_uri(question.canonical_uri);
  request.set_purged(question.purged);
  request.set_hops_left(question.hops_left);
  for (const std::string& scope : question.visited) request.add_visited(scope);
  request.set_time_left_us(Micros(question.time_left));
  request.set_trace(question.trace);
}

StatusOr<LocateQuestion> FromProto(const v1::LocateRequest& request) {
  if (request.key().size() != farm::ContentKey::kBytes) {
    return InvalidArgument("key: %zu bytes, not %zu", request.key().size(),
                           farm::ContentKey::kBytes);
  }
  STRATA_RETURN_IF_ERROR(
      CheckCount(request.visited_size(), federation::kLocateHopsMax, "visited scopes"));
  STRATA_ASSIGN_OR_RETURN(const Duration time_left,
                          SpanOf(request.time_left_us(), federation::kLocateTimeMax, "time left"));
  ByteReader reader(AsBytes(request.key()));
  return LocateQuestion{.key = farm::DecodeContentKey(reader),
                        .canonical_uri = request.canonical_uri(),
                        .purged = request.purged(),
                        .hops_left = request.hops_left(),
                        .visited = {request.visited().begin(), request.visited().end()},
                        .time_left = time_left,
                        .trace = request.trace()};
}

void ToProto(const LocateAnswer& answer, v1::LocateReply& reply) {
  PutAnswer(answer, reply);
  reply.set_keep_for_us(Micros(answer.keep_for));
}

StatusOr<LocateAnswer> FromProto(const v1::LocateReply& reply) {
  STRATA_RETURN_IF_ERROR(CheckCount(reply.copies_size(), federation::kLocatedCopiesMax, "copies"));
  STRATA_RETURN_IF_ERROR(CheckCount(reply.gaps_size(), federation::kLocateGapsMax, "gaps"));
  STRATA_RETURN_IF_ERROR(CheckCount(reply.hops_size(), federation::kLocateTraceMax, "trace"));
  LocateAnswer answer;
  answer.copies.reserve(static_cast<size_t>(reply.copies_size()));
  for (const v1::Copy& copy : reply.copies()) {
    STRATA_ASSIGN_OR_RETURN(LocatedCopy one, CopyOf(copy));
    answer.copies.push_back(std::move(one));
  }
  for (const v1::Gap& gap : reply.gaps()) {
    if (!v1::GapReason_IsValid(gap.reason())) {
      return InvalidArgument("gaps: a reason that is not known");
    }
    answer.gaps.push_back({gap.scope(), static_cast<GapReason>(gap.reason())});
  }
  for (const v1::Hop& hop : reply.hops()) {
    STRATA_ASSIGN_OR_RETURN(LocateHop one, HopOf(hop));
    answer.trace.push_back(std::move(one));
  }
  STRATA_ASSIGN_OR_RETURN(
      answer.keep_for, SpanOf(reply.keep_for_us(), federation::kAnswerKeptMax, "time to keep it"));
  return answer;
}

void ToProto(const LocateAnswer& answer, v1::TraceReply& reply) {
  PutAnswer(answer, reply);
  for (size_t i = 0; i < answer.gaps.size(); ++i) {
    reply.mutable_gaps(static_cast<int>(i))->set_text(ToString(answer.gaps[i]));
  }
}

}  // namespace strata::manager::locating

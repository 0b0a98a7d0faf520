#include "service_manager/federation/locate/locate_messages.h"

#include "common/tls/identity.h"
#include "farm/content_identity.h"
#include "farm/engine.h"

namespace strata::manager::federation {
namespace {

// What stands behind the name of the scope.
const char* WordsOf(GapReason reason) {
  switch (reason) {
    case GapReason::kNoLink:
      return "is not connected";
    case GapReason::kNoParent:
      return "has no connection to its parent";
    case GapReason::kLost:
      return "was lost before it answered";
    case GapReason::kSilent:
      return "did not answer in time";
    case GapReason::kNoTime:
      return "was not asked, no time was left";
    case GapReason::kTooFar:
      return "was not asked, it is too many hops away";
    case GapReason::kVisited:
      return "was asked a second time, managers are wired in a circle";
    case GapReason::kBusy:
      return "has too many questions";
    case GapReason::kRefused:
      return "refused the question, or its answer was wrong";
    case GapReason::kBehind:
      return "has not applied the last purge of this content yet";
    case GapReason::kPurged:
      return "gave up, the content was purged again and again";
    case GapReason::kCut:
      return "has more copies than an answer may name";
  }
  return "";
}

Status CheckSpan(Duration span, Duration max, const char* field) {
  if (span >= Duration::zero() && span <= max) return Ok();
  return InvalidArgument("%s: %g s is not between 0 and %g s", field, Seconds(span), Seconds(max));
}

Status CheckCount(size_t count, size_t max, const char* field) {
  if (count <= max) return Ok();
  return InvalidArgument("%s: %zu are more than %zu", field, count, max);
}

Status CheckCopy(const LocatedCopy& copy) {
  STRATA_RETURN_IF_ERROR(tls::CheckScope(copy.holder.scope));
  if (!copy.holder.engine.empty()) STRATA_RETURN_IF_ERROR(tls::CheckName(copy.holder.engine));
  return CheckCount(copy.clients.size(), farm::kMaxEngineAddresses, "client addresses");
}

Status CheckHop(const LocateHop& hop) {
  STRATA_RETURN_IF_ERROR(tls::CheckScope(hop.scope));
  if (hop.depth > kLocateHopsMax) return InvalidArgument("trace: depth %u", hop.depth);
  STRATA_RETURN_IF_ERROR(CheckSpan(hop.took, kLocateTimeMax, "trace: time"));
  return CheckSpan(hop.round_trip, kLocateTimeMax, "trace: round trip");
}

}  // namespace

std::string ToString(const LocateGap& gap) { return gap.scope + " " + WordsOf(gap.reason); }

Status CheckQuestion(const LocateQuestion& question) {
  STRATA_RETURN_IF_ERROR(
      CheckCount(question.canonical_uri.size(), farm::kMaxCanonicalUriBytes, "bytes of the URI"));
  if (question.key != farm::KeyOf(question.canonical_uri)) {
    return InvalidArgument("the key is not that of the URI");
  }
  STRATA_RETURN_IF_ERROR(CheckCount(question.hops_left, kLocateHopsMax, "hops left"));
  STRATA_RETURN_IF_ERROR(CheckCount(question.visited.size(), kLocateHopsMax, "visited scopes"));
  for (const std::string& scope : question.visited) STRATA_RETURN_IF_ERROR(tls::CheckScope(scope));
  return CheckSpan(question.time_left, kLocateTimeMax, "time left");
}

Status CheckAnswer(const LocateAnswer& answer) {
  STRATA_RETURN_IF_ERROR(CheckCount(answer.copies.size(), kLocatedCopiesMax, "copies"));
  for (const LocatedCopy& copy : answer.copies) STRATA_RETURN_IF_ERROR(CheckCopy(copy));
  STRATA_RETURN_IF_ERROR(CheckCount(answer.gaps.size(), kLocateGapsMax, "gaps"));
  for (const LocateGap& gap : answer.gaps) {
    STRATA_RETURN_IF_ERROR(tls::CheckScope(gap.scope));
    if (gap.reason > kGapReasonLast) return InvalidArgument("gaps: a reason that is not known");
  }
  STRATA_RETURN_IF_ERROR(CheckCount(answer.trace.size(), kLocateTraceMax, "trace"));
  for (const LocateHop& hop : answer.trace) STRATA_RETURN_IF_ERROR(CheckHop(hop));
  return CheckSpan(answer.keep_for, kAnswerKeptMax, "time to keep it");
}

}  // namespace strata::manager::federation

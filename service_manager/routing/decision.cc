#include "service_manager/routing/decision.h"

namespace strata::manager::routing {
namespace {

std::string AnswerOf(Outcome outcome, const Decision& decision) {
  if (outcome == Outcome::kRedirect) return "redirect to " + decision.location;
  if (outcome == Outcome::kForward) return "forward to " + decision.engines[0]->by_address;
  return "503: no engine can serve it";
}

}  // namespace

void BeginExplanation(Outcome outcome, Decision& decision) {
  Explanation& explanation = decision.explanation;
  explanation.site = decision.site->name;
  explanation.canonical_uri = decision.uri;
  explanation.key = ToString(decision.key);
  explanation.held = decision.held;
  explanation.client_region.clear();
  explanation.answer = AnswerOf(outcome, decision);
}

}  // namespace strata::manager::routing

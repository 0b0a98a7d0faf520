#include "tests/simulation/federation/locate_round.h"

#include <string>

namespace strata::simulation::federation {

namespace feed = manager::federation;

namespace {

constexpr Duration kAnswerWithin = std::chrono::seconds(5);
constexpr double kShortSighted = 0.2;  // Of questions: with so few hops at most.
constexpr uint32_t kFewHopsMax = 3;

}  // namespace

LocateRound::LocateRound(Wiring& wiring, Scopes& scopes)
    : wiring_(wiring),
      scopes_(scopes),
      desks_(
          wiring,
          {.settings = {},
           .directory = [this](size_t scope,
                               const farm::ContentKey& key) { return LocalCopiesOf(scope, key); },
           .answered = [this](const LocateDesks::Asked& asked,
                              const feed::LocateAnswer& answer) { Judge(asked, answer); }}) {}

feed::LocalCopies LocateRound::LocalCopiesOf(size_t scope, const farm::ContentKey& key) const {
  feed::LocalCopies local;
  const ManagerDirectory& directory = scopes_[scope]->leader()->directory();
  for (const Location& copy : directory.CopiesOf(key)) {
    feed::LocatedCopy located;
    located.holder = directory.NameOf(copy.holder);
    located.flags = copy.flags;
    local.copies.push_back(located);
  }
  local.untold = wiring_.truth.UntoldTo(scope, wiring_.truth.content(key));
  return local;
}

void LocateRound::Ask(size_t scope, const Content& content) {
  const bool short_sighted = wiring_.random.Chance(kShortSighted);
  const uint32_t hops = short_sighted ? static_cast<uint32_t>(wiring_.random.Below(kFewHopsMax + 1))
                                      : feed::kLocateHopsMax;
  desks_.Ask(scope, content, hops, kAnswerWithin);
}

void LocateRound::Judge(const LocateDesks::Asked& asked, const feed::LocateAnswer& answer) const {
  const std::string who = wiring_.scope(asked.scope) + ", asked for " + asked.content.uri;
  for (const feed::LocateGap& gap : answer.gaps) {
    const bool far = gap.reason == feed::GapReason::kTooFar && asked.hops < feed::kLocateHopsMax;
    if (!far) wiring_.Fail("locate", who + ", has gaps: " + ToString(gap));
  }
  if (answer.partial()) return;
  Copies found;
  for (const feed::LocatedCopy& copy : answer.copies) found[copy.holder] = copy.flags;
  const Copies expected = wiring_.truth.NearestTo(asked.scope, asked.content.key);
  const std::string difference =
      DifferenceOf({{asked.content.key, found}}, {{asked.content.key, expected}});
  if (!difference.empty()) wiring_.Fail("locate", who + ": " + difference);
}

}  // namespace strata::simulation::federation

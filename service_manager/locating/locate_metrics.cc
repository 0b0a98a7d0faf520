#include "service_manager/locating/locate_metrics.h"

namespace strata::manager::locating {

LocateMetrics::LocateMetrics(MetricRegistry& metrics)
    : questions_(metrics.AddCounter(
          {.name = "strata_locate_questions_total",
           .help = "Questions where a content is: of clients, people, children, the parent."})),
      refused_(metrics.AddCounter(
          {.name = "strata_locate_refused_total",
           .help = "Questions that were out of bounds, or about scopes not the asker's."})),
      overloaded_(
          metrics.AddCounter({.name = "strata_locate_overloaded_total",
                              .help = "Questions that were refused because too many were open."})),
      partial_(metrics.AddCounter({.name = "strata_locate_partial_total",
                                   .help = "Answers that lack what somebody could not be asked."})),
      asks_(metrics.AddCounter(
          {.name = "strata_locate_asks_total", .help = "Questions that a neighbour was asked."})),
      joined_(metrics.AddCounter(
          {.name = "strata_locate_asks_shared_total",
           .help = "Questions that waited for the same answer of a neighbour as one before."})),
      remembered_(
          metrics.AddCounter({.name = "strata_locate_asks_remembered_total",
                              .help = "Questions answered by what a neighbour had said before."})),
      silent_(metrics.AddCounter({.name = "strata_locate_silent_total",
                                  .help = "Neighbours' answers that did not come in time."})),
      late_(metrics.AddCounter(
          {.name = "strata_locate_late_total",
           .help = "Neighbours' answers that came too late, or after a purge."})),
      wrong_(metrics.AddCounter(
          {.name = "strata_locate_wrong_total",
           .help = "Neighbours' answers that were out of bounds, or about scopes not theirs."})),
      restarted_(metrics.AddCounter(
          {.name = "strata_locate_restarted_total",
           .help = "Questions that were asked anew because the content was purged meanwhile."})),
      open_(metrics.AddGauge(
          {.name = "strata_locate_open_questions", .help = "Questions that wait for an answer."})),
      strangers(metrics.AddCounter(
          {.name = "strata_locate_strangers_total",
           .help = "Peers whose certificate is not that of the neighbour they should be."})),
      failed(metrics.AddCounter({.name = "strata_locate_managers_failed_total",
                                 .help = "Times that a neighbour's manager could not be asked."})) {
}

void LocateMetrics::Show(const federation::LocateCounters& counts, size_t open) {
  questions_.AdvanceTo(counts.questions);
  refused_.AdvanceTo(counts.refused);
  overloaded_.AdvanceTo(counts.overloaded);
  partial_.AdvanceTo(counts.partial);
  asks_.AdvanceTo(counts.asked);
  joined_.AdvanceTo(counts.joined);
  remembered_.AdvanceTo(counts.remembered);
  silent_.AdvanceTo(counts.silent);
  late_.AdvanceTo(counts.late);
  wrong_.AdvanceTo(counts.wrong);
  restarted_.AdvanceTo(counts.restarted);
  open_.Set(static_cast<double>(open));
}

}  // namespace strata::manager::locating

#include <algorithm>

#include "common/check.h"
#include "service_manager/routing/limits.h"
#include "service_manager/routing/scope_load_table.h"

// Whatever decodes encodes to the bytes it came from, and a table takes it or refuses it; what the
// table tells its parent is a report.

namespace strata::manager::routing {
namespace {

constexpr Timestamp kNow = Timestamp::FromNanos(1'000'000);

void Check(ByteSpan bytes) {
  const StatusOr<LoadReport> report = DecodeLoadReport(bytes);
  if (!report.ok()) return;
  STRATA_CHECK(AsText(Encode(*report)) == AsText(bytes));
  if (report->empty()) return;
  ScopeLoadTable table;
  if (!table.Apply(report->front().scope, *report, kNow).ok()) return;
  const LoadReport above = table.Report("!", std::chrono::seconds(10), kNow);
  STRATA_CHECK(above.size() == std::min(report->size() + 1, kScopesPerReportMax));
  STRATA_CHECK(above.front().load.engines == report->front().load.engines);
}

}  // namespace
}  // namespace strata::manager::routing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  strata::manager::routing::Check({data, size});
  return 0;
}

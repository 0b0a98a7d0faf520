#include "common/check.h"
#include "farm/messages.h"
#include "farm/site_ledger.h"
#include "farm/state_table.h"

// Whatever decodes encodes to the bytes it came from, and a table takes it or refuses it; whatever
// restores as a snapshot is a table whose snapshot restores to the same.

namespace strata::farm {
namespace {

constexpr Timestamp kNow = Timestamp::FromNanos(1'000'000);

void CheckMessage(ByteSpan bytes) {
  const StatusOr<Message> message = DecodeMessage(bytes);
  if (!message.ok()) return;
  Bytes again;
  Encode(*message, again);
  STRATA_CHECK(AsText(again) == AsText(bytes));
  StateTable table;
  SiteLedger ledger;
  if (const auto* site = std::get_if<SiteApplied>(&*message)) ledger.Apply(*site);
  if (const auto* purged = std::get_if<Purged>(&*message)) ledger.Apply(*purged);
  if (EngineOf(*message) == EngineId()) return;
  table.Apply(EngineRegistered{{EngineOf(*message), "e", {}, {}, {}}, 1}, EngineId(1), true, kNow);
  table.Apply(*message, EngineId(1), true, kNow);
  if (const auto* report = std::get_if<LoadReport>(&*message)) {
    table.ApplyLoad(*report, report->engine, kNow);
  }
  STRATA_CHECK(table.Restore(table.Snapshot(kNow), kNow).ok());
}

void CheckSnapshot(ByteSpan bytes) {
  StateTable table;
  if (!table.Restore(bytes, kNow).ok()) return;
  const Bytes snapshot = table.Snapshot(kNow);
  StateTable again;
  STRATA_CHECK(again.Restore(snapshot, kNow).ok());
  STRATA_CHECK(again.digest() == table.digest());
  STRATA_CHECK(again.Snapshot(kNow) == snapshot);
}

void CheckLedger(ByteSpan bytes) {
  SiteLedger ledger;
  if (!ledger.Restore(bytes).ok()) return;
  STRATA_CHECK(AsText(ledger.Snapshot()) == AsText(bytes));
}

}  // namespace
}  // namespace strata::farm

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  strata::farm::CheckMessage({data, size});
  strata::farm::CheckSnapshot({data, size});
  strata::farm::CheckLedger({data, size});
  return 0;
}

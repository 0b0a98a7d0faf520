#include <cstddef>
#include <cstdint>

#include "common/bytes.h"
#include "common/check.h"
#include "farm/backup/contents.h"
#include "farm/backup/manifest.h"
#include "farm/backup/record.h"

// Records of a backup from anybody: nothing is read that was not written so, whatever it is.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::farm::backup;
  const std::string_view bytes = strata::AsText({data, size});
  Contents contents;
  std::string again;
  const strata::Status read =
      VisitRecords(bytes, [&](size_t offset, std::string_view key, std::string_view value) {
        STRATA_CHECK(offset == again.size());
        (void)contents.Add(key, value);
        AppendRecord(key, value, again);
        return strata::Ok();
      });
  STRATA_CHECK(bytes.starts_with(again) && (!read.ok() || again == bytes));
  // The checksum keeps a fuzzer out of what lies behind it.
  if (size > 0 && data[0] < size) {
    (void)contents.Add(bytes.substr(1, data[0]), bytes.substr(1 + data[0]));
  }
  const strata::StatusOr<Manifest> manifest = ParseManifest(bytes);
  if (manifest.ok()) STRATA_CHECK(ParseManifest(ToJson(*manifest)).ok());
  return 0;
}

#include "common/check.h"
#include "farm/site.h"

// Whatever decodes is a site without faults, and encodes to the bytes it came from.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using strata::farm::Site;
  const strata::StatusOr<Site> site = strata::farm::DecodeSite({data, size});
  if (!site.ok()) return 0;
  STRATA_CHECK(strata::farm::FaultsOf(*site).empty());
  const strata::Bytes again = strata::farm::Encode(*site);
  STRATA_CHECK(again == strata::Bytes(data, data + size));
  (void)strata::farm::DifferencesOf(Site(), *site);
  return 0;
}

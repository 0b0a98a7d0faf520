#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cli/pki/index.h"
#include "common/check.h"

// What is read is written so that it reads as the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const strata::StatusOr<strata::cli::PkiIndex> index = strata::cli::ParsePkiIndex(text);
  if (!index.ok()) return 0;
  const std::string written = Format(*index);
  const strata::StatusOr<strata::cli::PkiIndex> again = strata::cli::ParsePkiIndex(written);
  STRATA_CHECK(again.ok() && Format(*again) == written);
  return 0;
}

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cli/bundle/redact.h"
#include "common/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string left = strata::cli::bundle::Redact(text);
  STRATA_CHECK(std::count(left.begin(), left.end(), '\n') ==
               std::count(text.begin(), text.end(), '\n'));
  return 0;
}

#include <cstdint>
#include <string>
#include <string_view>

#include "common/check.h"
#include "service_engine/core/library_path.h"

// The path of a file never leaves its library, nor names what libraries hide.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view target(reinterpret_cast<const char*>(data), size);
  const strata::StatusOr<std::string> path = strata::engine::LibraryPathOf(target);
  if (!path.ok()) return 0;
  STRATA_CHECK(target.starts_with('/'));
  STRATA_CHECK(path->find('\0') == std::string::npos);
  size_t depth = 0;
  for (std::string_view rest = *path;; rest.remove_prefix(1)) {
    const std::string_view name = rest.substr(0, rest.find('/'));
    STRATA_CHECK(!name.empty() && name.front() != '.');
    STRATA_CHECK(name.size() <= strata::engine::kLibraryNameBytesMax);
    STRATA_CHECK(++depth <= strata::engine::kLibraryDepthMax);
    rest.remove_prefix(name.size());
    if (rest.empty()) break;
  }
  return 0;
}

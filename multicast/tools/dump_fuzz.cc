#include <cstdio>
#include <sstream>

#include "common/check.h"
#include "multicast/tools/dump.h"
#include "multicast/wire/seal.h"

// A capture file, whatever is in it: read, taken apart, shown. The counts must add up.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::multicast;
  if (size == 0) return 0;
  FILE* stream = fmemopen(const_cast<uint8_t*>(data), size, "rb");
  STRATA_CHECK(stream != nullptr);
  strata::StatusOr<CaptureFile> file = CaptureFile::FromStream(stream, "fuzz");
  if (!file.ok()) return 0;
  static const KeyRing keys = [] {
    KeyRing ring;
    strata::Bytes key(32);
    for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(i);
    STRATA_CHECK(ring.Add(2, key).ok());
    return ring;
  }();
  const KeyRing none{};
  DissectorOptions options;
  options.show_undecoded = true;
  Dissector dissector(options, data[size - 1] % 2 == 0 ? none : keys);
  std::ostringstream out;
  (void)DumpFile(*file, dissector, out);
  uint64_t undecoded = 0;
  for (const auto& [reason, count] : dissector.undecoded()) {
    STRATA_CHECK(!ExplainUndecoded(reason).empty());
    if (reason != "ip_fragment" && reason != "cut") undecoded += count;
  }
  // Joined bodies are decoded, or not, on top.
  STRATA_CHECK(dissector.decoded() + undecoded >= dissector.datagrams());
  return 0;
}

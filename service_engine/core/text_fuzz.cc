#include <algorithm>
#include <string_view>
#include <vector>

#include "common/check.h"
#include "service_engine/core/access_log.h"
#include "service_engine/core/nginx_status.h"

// What nginx writes as text: its status page, and its log, which reads the same in any pieces.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using strata::engine::AccessLogReader;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  (void)strata::engine::ParseNginxStatus(text).ok();
  std::vector<strata::engine::FinishedRequest> whole;
  std::vector<strata::engine::FinishedRequest> pieces;
  AccessLogReader one;
  AccessLogReader other;
  one.Read(text, whole);
  const size_t piece = static_cast<size_t>(data[0]) + 1;
  for (size_t at = 0; at < text.size(); at += piece) other.Read(text.substr(at, piece), pieces);
  STRATA_CHECK(whole == pieces);
  STRATA_CHECK(one.broken() == other.broken() && one.consumed() == other.consumed());
  return 0;
}

#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "service_engine/core/freshness.h"
#include "service_engine/core/http_fields.h"
#include "service_engine/core/proxy_fields.h"

// Header values as an origin or a client may send them: lists, dates, directives.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::engine;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t bytes = 0;
  ForEachMember(text, [&](std::string_view member) {
    STRATA_CHECK(!member.empty() && member == Trimmed(member));
    bytes += member.size();
    return true;
  });
  STRATA_CHECK(bytes <= size);
  const auto date = ParseHttpDate(text);
  // From year 0 to 9999.
  STRATA_CHECK(!date || (*date > -62200000000 && *date < 253500000000));
  const auto seconds = ParseDeltaSeconds(text);
  STRATA_CHECK(!seconds || *seconds >= 0);
  const HttpFields fields = {{"Cache-Control", std::string(text)}, {"Expires", std::string(text)},
                             {"Age", std::string(text)},           {"Vary", std::string(text)},
                             {"Connection", std::string(text)},    {"CDN-Loop", std::string(text)}};
  const Freshness freshness = FreshnessOf(200, fields, size % 2 == 0, strata::farm::Site(), 0);
  STRATA_CHECK(freshness.seconds >= 0);
  (void)HasLooped(fields, "strata-farm");
  (void)VaryNames(AnswerFields(fields));
  return 0;
}

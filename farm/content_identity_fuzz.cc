#include <algorithm>
#include <string>

#include "common/check.h"
#include "farm/content_identity.h"

// Whatever is accepted has a canonical form that is accepted, and is its own canonical form.

namespace strata::farm {
namespace {

void CheckUri(std::string_view target, const QueryRules& rules) {
  std::string uri;
  if (!CanonicalUri("a.example", target, rules, uri).ok()) return;
  const StatusOr<UriParts> parts = SplitUri(uri);
  STRATA_CHECK(parts.ok() && parts->host == "a.example");
  for (const char c : parts->target) STRATA_CHECK(c > ' ' && c < 0x7f);
  if (parts->target.size() > kMaxTargetBytes) return;  // Escapes made it longer.
  std::string again;
  STRATA_CHECK(CanonicalUri(parts->host, parts->target, rules, again).ok());
  STRATA_CHECK(again == uri);
}

void CheckHost(std::string_view text) {
  const StatusOr<std::string> host = CanonicalHost(text);
  if (!host.ok()) return;
  const StatusOr<std::string> again = CanonicalHost(*host);
  STRATA_CHECK(again.ok() && *again == *host);
}

}  // namespace
}  // namespace strata::farm

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using strata::farm::QueryRules;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  QueryRules rules;
  rules.keep = static_cast<QueryRules::Keep>(data[0] & 3);
  rules.sorted = (data[0] & 4) != 0;
  rules.names = {"a", "b%2F"};
  strata::farm::CheckUri(text, rules);
  strata::farm::CheckHost(text);
  (void)strata::farm::CanonicalName(text).ok();
  (void)strata::farm::SplitUri(text).ok();
  return 0;
}

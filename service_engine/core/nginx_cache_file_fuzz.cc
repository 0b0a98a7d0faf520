#include "common/check.h"
#include "farm/asset.h"
#include "service_engine/core/nginx_cache_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = strata::engine::ParseNginxCacheFile({data, size});
  if (!file.ok()) return 0;
  STRATA_CHECK(file->key.size() <= strata::engine::kMaxCacheKeyBytes);
  STRATA_CHECK(file->body_start <= size && file->status >= 100);
  STRATA_CHECK(file->Validator().size() <= strata::farm::kMaxValidator ||
               file->etag.size() <= strata::farm::kMaxValidator);
  return 0;
}

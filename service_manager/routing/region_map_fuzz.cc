#include "common/bytes.h"
#include "common/check.h"
#include "service_manager/routing/region_map.h"

// A text is a map that answers for every address, or is refused with its line.

namespace strata::manager::routing {
namespace {

void Check(std::string_view text) {
  const StatusOr<std::shared_ptr<const RegionMap>> map = RegionMap::Parse(text);
  if (!map.ok()) {
    STRATA_CHECK(MessageOf(map.status()).starts_with("line "));
    return;
  }
  const auto name = [&map](const IpAddress& ip) { return (*map)->NameOf((*map)->RegionOf(ip)); };
  STRATA_CHECK(name(IpAddress::V4(192, 0, 2, 1)).size() <= 63);
  STRATA_CHECK(name(IpAddress::V6({0x20, 0x01, 0x0d, 0xb8})).size() <= 63);
  (*map)->RegionsOf("cdn-one/dc-two", {});
}

}  // namespace
}  // namespace strata::manager::routing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  strata::manager::routing::Check(strata::AsText({data, size}));
  return 0;
}

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/check.h"
#include "farm/site.h"
#include "service_engine/core/nginx_config.h"

// Whatever a site says: its configuration is written, and has the shape of any other's.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const StatusOr<farm::Site> site = farm::DecodeSite(ByteSpan(data, size));
  if (!site.ok()) return 0;
  engine::NginxConfig config;
  config.engine = "north-1";
  config.clients = {{IpAddress::V4(127, 0, 0, 1), 80, 0}};
  config.peers = {{IpAddress::V4(127, 0, 0, 1), 81, 0}};
  config.folder = config.cache_folder = config.temp_folder = config.log_folder = "/f";
  config.library_folder = "/f";
  config.agent_socket = config.status_socket = "/f/s";
  config.sites = {*site};
  config.libraries = {site->name};
  const StatusOr<std::string> text = engine::RenderNginxConfig(config);
  STRATA_CHECK(text.ok(), "%s", MessageOf(text.status()).c_str());
  const auto count = [&](char c) { return std::count(text->begin(), text->end(), c); };
  STRATA_CHECK(count('{') == count('}'));
  STRATA_CHECK(count('"') % 2 == 0);
  return 0;
}

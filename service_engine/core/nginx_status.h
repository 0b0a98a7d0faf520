#pragma once

#include <cstdint>
#include <string_view>

#include "common/status.h"

namespace strata::engine {

// What nginx's stub_status page says. Counts are since nginx started; a reload goes on counting.
struct NginxStatus {
  uint64_t active = 0;  // Connections now, waiting ones included.
  uint64_t accepts = 0;
  uint64_t handled = 0;
  uint64_t requests = 0;
  uint64_t reading = 0;
  uint64_t writing = 0;
  uint64_t waiting = 0;

  friend bool operator==(const NginxStatus&, const NginxStatus&) = default;
};

// InvalidArgument, naming the line, if `page` is not what nginx writes.
StatusOr<NginxStatus> ParseNginxStatus(std::string_view page);

}  // namespace strata::engine

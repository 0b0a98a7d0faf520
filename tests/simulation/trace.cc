#include "tests/simulation/trace.h"

#include <cstdarg>
#include <cstdio>

namespace strata::simulation {

void Trace::Line(Timestamp now, uint32_t who, const char* format, ...) {
  if (!wanted()) return;
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  if (hash_lines_) {
    for (const char* at = text; *at != 0; ++at) {
      hash_ = (hash_ ^ static_cast<uint8_t>(*at)) * 1099511628211u;
    }
    hash_ = (hash_ ^ static_cast<uint64_t>(now.nanos())) * 1099511628211u;
  }
  if (!print_) return;
  if (who == 0) {
    printf("%12.6f        %s\n", static_cast<double>(now.nanos()) * 1e-9, text);
  } else {
    printf("%12.6f  m%-4u %s\n", static_cast<double>(now.nanos()) * 1e-9, who, text);
  }
}

}  // namespace strata::simulation

#pragma once

namespace strata::internal {

// Prints "file:line: check failed: condition" and the formatted message, if any, to stderr; aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition, const char* format,
                              ...) __attribute__((format(printf, 4, 5)));

}  // namespace strata::internal

// Ends the process when `condition` is false: a broken invariant, that is, a bug of ours. Kept in
// release builds. Never for what a peer, a file or the network can cause: that is a Status.
//
//   STRATA_CHECK(index < size);
//   STRATA_CHECK(index < size, "index %zu, size %zu", index, size);
#define STRATA_CHECK(condition, ...)                                                              \
  do {                                                                                            \
    if (!(condition)) [[unlikely]] {                                                              \
      ::strata::internal::CheckFailed(__FILE__, __LINE__, #condition __VA_OPT__(, ) __VA_ARGS__); \
    }                                                                                             \
  } while (false)

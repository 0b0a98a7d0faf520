#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// The one place that meets Abseil's Status. Abseil may be built with a string_view of its own, to
// which std::string_view does not convert: make a status with the functions below and read its text
// with MessageOf(), and no other file has to know.

namespace strata {

// Success, or a code and a text: what failed because of the world or a peer.
using Status = absl::Status;

// A value, or the Status that says why there is none.
template <class T>
using StatusOr = absl::StatusOr<T>;

using StatusCode = absl::StatusCode;

inline Status Ok() { return absl::OkStatus(); }

// A status with `message` as it stands (it may come from a peer: no format is read in it).
Status MakeStatus(StatusCode code, std::string_view message);

// printf-style makers, one for each code in use: return NotFound("site %s", name.c_str());
#define STRATA_FORMAT_LIKE_PRINTF __attribute__((format(printf, 1, 2)))
Status AlreadyExists(const char* format, ...) STRATA_FORMAT_LIKE_PRINTF;
Status DataLoss(const char* format, ...) STRATA_FORMAT_LIKE_PRINTF;
Status DeadlineExceeded(const char* format, ...) STRATA_FORMAT_LIKE_PRINTF;
Status FailedPrecondition(const char* format, ...) STRATA_FORMAT_LIKE_PRINTF;
Status Internal(const char* format, ...) STRATA_FORMAT_LIKE_PRINTF;
Status InvalidArgument(const char* format, ...) STRATA_FORMAT_LIKE_PRINTF;
Status NotFound(const char* format, ...) STRATA_FORMAT_LIKE_PRINTF;
Status OutOfRange(const char* format, ...) STRATA_FORMAT_LIKE_PRINTF;
Status PermissionDenied(const char* format, ...) STRATA_FORMAT_LIKE_PRINTF;
Status ResourceExhausted(const char* format, ...) STRATA_FORMAT_LIKE_PRINTF;
Status Unavailable(const char* format, ...) STRATA_FORMAT_LIKE_PRINTF;
Status Unimplemented(const char* format, ...) STRATA_FORMAT_LIKE_PRINTF;
#undef STRATA_FORMAT_LIKE_PRINTF

// The text alone, without the code; empty for success.
std::string MessageOf(const Status& status);

// "NOT_FOUND: site x" or "OK", for logs and displays.
std::string ToString(const Status& status);

namespace internal {
inline const Status& StatusOf(const Status& status) { return status; }
template <class T>
const Status& StatusOf(const StatusOr<T>& result) {
  return result.status();
}
}  // namespace internal

}  // namespace strata

#define STRATA_STATUS_CONCAT_INNER(a, b) a##b
#define STRATA_STATUS_CONCAT(a, b) STRATA_STATUS_CONCAT_INNER(a, b)

// Evaluates `expression` (a Status or StatusOr) once and leaves the function if it failed.
#define STRATA_RETURN_IF_ERROR(...)                                         \
  do {                                                                      \
    const auto& strata_result = (__VA_ARGS__);                              \
    if (!strata_result.ok()) [[unlikely]] {                                 \
      return ::strata::Status(::strata::internal::StatusOf(strata_result)); \
    }                                                                       \
  } while (false)

// Evaluates a StatusOr once; moves its value to `lhs` (which may declare a variable) or leaves the
// function with its status. `lhs` must not contain a comma. Not the whole body of an `if`.
//
//   STRATA_ASSIGN_OR_RETURN(const Plan plan, MakePlan(site, farm));
#define STRATA_ASSIGN_OR_RETURN(lhs, ...) \
  STRATA_ASSIGN_OR_RETURN_INNER(STRATA_STATUS_CONCAT(strata_result_, __LINE__), lhs, __VA_ARGS__)

#define STRATA_ASSIGN_OR_RETURN_INNER(result, lhs, ...) \
  auto result = (__VA_ARGS__);                          \
  if (!result.ok()) [[unlikely]]                        \
    return std::move(result).status();                  \
  lhs = *std::move(result)

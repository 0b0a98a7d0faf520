#include "common/status.h"

#include <array>
#include <cstdarg>
#include <cstdio>

namespace strata {
namespace {

std::string Format(const char* format, va_list args) {
  std::array<char, 256> small;
  va_list again;
  va_copy(again, args);
  const int size = std::vsnprintf(small.data(), small.size(), format, args);
  std::string text;
  if (size < 0) {
    text = format;  // The C library refused an argument; the bare format still says where we are.
  } else if (static_cast<size_t>(size) < small.size()) {
    text.assign(small.data(), static_cast<size_t>(size));
  } else {
    text.resize(static_cast<size_t>(size) + 1);  // vsnprintf writes the final zero too.
    std::vsnprintf(text.data(), text.size(), format, again);
    text.pop_back();
  }
  va_end(again);
  return text;
}

}  // namespace

Status MakeStatus(StatusCode code, std::string_view message) {
  return Status(code, absl::string_view(message.data(), message.size()));
}

// A variadic function cannot hand on its arguments, and a template cannot carry the attribute that
// lets the compiler check them against the format: so twelve equal bodies.
#define STRATA_DEFINE_STATUS_MAKER(Code)              \
  Status Code(const char* format, ...) {              \
    va_list args;                                     \
    va_start(args, format);                           \
    const std::string message = Format(format, args); \
    va_end(args);                                     \
    return MakeStatus(StatusCode::k##Code, message);  \
  }
STRATA_DEFINE_STATUS_MAKER(AlreadyExists)
STRATA_DEFINE_STATUS_MAKER(DataLoss)
STRATA_DEFINE_STATUS_MAKER(DeadlineExceeded)
STRATA_DEFINE_STATUS_MAKER(FailedPrecondition)
STRATA_DEFINE_STATUS_MAKER(Internal)
STRATA_DEFINE_STATUS_MAKER(InvalidArgument)
STRATA_DEFINE_STATUS_MAKER(NotFound)
STRATA_DEFINE_STATUS_MAKER(OutOfRange)
STRATA_DEFINE_STATUS_MAKER(PermissionDenied)
STRATA_DEFINE_STATUS_MAKER(ResourceExhausted)
STRATA_DEFINE_STATUS_MAKER(Unavailable)
STRATA_DEFINE_STATUS_MAKER(Unimplemented)
#undef STRATA_DEFINE_STATUS_MAKER

std::string MessageOf(const Status& status) {
  const absl::string_view message = status.message();
  return std::string(message.data(), message.size());
}

std::string ToString(const Status& status) { return status.ToString(); }

}  // namespace strata

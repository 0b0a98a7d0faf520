#pragma once

#include "common/status.h"

namespace strata::farm::rpc {

// Whether it makes no sense to ask a manager again soon: a certificate, or programs that do not
// fit.
inline bool IsRefusal(const Status& status) {
  switch (status.code()) {
    case StatusCode::kUnauthenticated:
    case StatusCode::kPermissionDenied:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kInvalidArgument:
    case StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

}  // namespace strata::farm::rpc

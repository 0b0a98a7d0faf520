#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <vector>

#include "common/status.h"

namespace strata::manager::app {

// How many managers a setting may name.
inline constexpr int kManagersNamedMax = 16;

// InvalidArgument, naming the key: `text` is not HOST:PORT, of a name or an address.
Status CheckManagerAddress(const char* key, const std::string& text);

// The same for a list of them.
StatusOr<std::vector<std::string>> ManagerAddresses(
    const char* key, const google::protobuf::RepeatedPtrField<std::string>& list);

}  // namespace strata::manager::app

#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <vector>

#include "cli/manager_client.h"
#include "cli/table.h"
#include "common/status.h"

namespace strata::cli {

// kNotFound with the name that was probably meant, if the manager knows one like it; any other
// status as it is.
Status WithEngineMeant(ManagerClient& manager, const std::string& engine, const Status& status);
Status WithSiteMeant(ManagerClient& manager, const std::string& site, const Status& status);

// `status` with the name that was probably meant, of these.
Status WithNameMeant(const std::string& word, const std::vector<std::string>& names,
                     const Status& status);

// With commas.
std::string Joined(const google::protobuf::RepeatedPtrField<std::string>& texts);

// Of an engine: up, degraded, stale, draining, down.
Colour ColourOfStatus(const std::string& status);

}  // namespace strata::cli

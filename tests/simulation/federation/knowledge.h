#pragma once

#include <map>
#include <string>

#include "farm/content_key.h"
#include "service_manager/directory/location.h"
#include "service_manager/federation/holder_name.h"

namespace strata::simulation::federation {

using manager::directory::LocationFlags;
using manager::federation::HolderName;

// Who has a content, and how.
using Copies = std::map<HolderName, LocationFlags>;
// What a manager knows, or shall know: contents without copies are not in it.
using Knowledge = std::map<farm::ContentKey, Copies>;

// The first difference of the two in words; empty if they are equal.
std::string DifferenceOf(const Knowledge& known, const Knowledge& expected);

}  // namespace strata::simulation::federation

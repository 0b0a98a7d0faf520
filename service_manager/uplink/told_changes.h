#pragma once

#include "service_manager/directory/location.h"
#include "service_manager/federation/policy/forwarding_matcher.h"
#include "service_manager/federation/policy/projection.h"
#include "service_manager/uplink/pending_changes.h"

namespace strata::manager::uplink {

// How a content's copies were forwarded when the parent was told last, and how they are now.
struct Treatments {
  federation::Treatment before, after;
};

// What the parent has to be told of a content that has changed: the difference of its projections,
// and copies that are there as before, if they changed in size, lifetime or validator, and are
// forwarded in full. In the order of the holders. Pure.
//
// `anew`: the parent has to hear of the content, if it may know it: for its URI's sake.
federation::CopyChanges ChangesToTell(const ContentChange& change, const Treatments& treatments,
                                      directory::Holder own_scope, bool anew);

}  // namespace strata::manager::uplink

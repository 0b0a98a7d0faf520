#pragma once

#include <google/protobuf/descriptor.h>

#include "common/status.h"

namespace strata {

// Whether `type` describes a settings file soundly: every field has a help text and a type that a
// file can hold, the options fit the type, defaults and limits can be read and agree, and no
// section contains itself without end. Internal with all faults, one on each line; they are bugs of
// ours.
Status CheckSettingsSchema(const google::protobuf::Descriptor& type);

// Whether the section is there, with its defaults, also when the file leaves it out. One that the
// schema marks `optional`, or that is one of a choice, is not.
bool IsAlwaysPresent(const google::protobuf::FieldDescriptor& field);

}  // namespace strata

#pragma once

#include <google/protobuf/descriptor.h>

#include <string>

namespace strata {

// The reference page of a settings file as a Markdown table: a row for each key with what it
// accepts, its default, whether a change needs a restart, and its help text. Rows follow the
// schema, sections before what is in them; `sites[].host` is a key of each item of a list,
// `labels.<key>` any key of a map. `type` must be sound (CheckSettingsSchema).
std::string RenderSettingsReference(const google::protobuf::Descriptor& type);

}  // namespace strata

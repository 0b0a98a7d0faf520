#pragma once

#include <google/protobuf/message.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "common/status.h"

namespace strata {

// Errors reported for one file; the rest is counted. Depth, size and number of values are limited
// in yaml_tree.h, the length of a text in settings_rule.h.
inline constexpr size_t kSettingsErrorsMax = 50;

// Fills `out` from a settings file. The message's descriptor is the schema: keys are field names,
// lists are repeated fields, sections are messages, maps are maps, enums go by their lower-case
// name; the options of settings_options.proto add units, ranges, defaults and what is required.
// What the file leaves out gets its default, in sections that it leaves out too.
//
// InvalidArgument tells all that is wrong at once, one line each, in the order of the file:
//
//   manager.yaml:12:9: multicast.tick: found "5", expected a duration (such as "200us" or "5s")
//
// and leaves `out` as it was. Internal if the schema itself is unsound (CheckSettingsSchema).
//
// `file_name` is for the errors only. Any thread; nothing is shared between calls.
Status LoadSettings(std::string_view file_name, std::string_view yaml_text,
                    google::protobuf::Message* out);

// The same from a file, of which it reads no more than the limit. A file that cannot be read is
// named with the reason.
Status LoadSettingsFile(const std::string& path, google::protobuf::Message* out);

}  // namespace strata

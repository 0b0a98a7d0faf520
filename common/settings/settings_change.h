#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <vector>

namespace strata {

// Keys of settings, such as "group.port", whose values differ between two files of one schema, by
// when the difference counts.
struct SettingsChange {
  std::vector<std::string> at_once;
  std::vector<std::string> at_restart;  // Those that the schema marks with needs_restart.
};

// What differs, in the order of the schema. Lists and maps differ as a whole; so does a section
// that is in one of the two only. Both are of one type.
SettingsChange CompareSettings(const google::protobuf::Message& before,
                               const google::protobuf::Message& after);

}  // namespace strata

#pragma once

#include <google/protobuf/message.h>

#include <string>

namespace strata {

// Fills `out` as a settings file would that gives nothing but what is required: values that the
// schema requires are left empty. `out` must be of a sound schema (CheckSettingsSchema).
void FillSettingsDefaults(google::protobuf::Message* out);

// The settings file that LoadSettings() reads as this message: YAML, keys in the order of the
// schema, without what is as it would be if it were left out. The message is one that
// LoadSettings() filled, or FillSettingsDefaults() and then a program with what the schema accepts.
//
// Any thread; pure, but for the tables of Protocol Buffers.
std::string SettingsText(const google::protobuf::Message& message);

}  // namespace strata

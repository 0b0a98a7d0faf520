#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/settings/settings_options.pb.h"

namespace strata {

// The longest text that a setting may be.
inline constexpr size_t kSettingTextBytesMax = 4096;

// One setting as its field holds it: signed and unsigned integers, bool, number, text, enum.
using SettingValue = std::variant<int64_t, uint64_t, bool, double, std::string,
                                  const google::protobuf::EnumValueDescriptor*>;

// What one field of a settings message accepts: its type together with its options. For a list that
// is each item, for a map each value. A cheap view of descriptors, which must outlive it.
//
// The options themselves must be sound (CheckSettingsSchema).
class SettingRule {
 public:
  // For a field of a settings message.
  explicit SettingRule(const google::protobuf::FieldDescriptor& field);
  // For the keys of a map field.
  static SettingRule ForKeys(const google::protobuf::FieldDescriptor& map_field);

  const SettingOptions& options() const { return *options_; }
  // Where values are stored: the field, or the key or value of a map's entry.
  const google::protobuf::FieldDescriptor& target() const { return *target_; }
  bool IsSection() const;

  // The value that `text` stands for; nothing if it is not of the type or out of range. Quoted text
  // is never a number or a bool.
  std::optional<SettingValue> Parse(std::string_view text, bool is_quoted) const;
  // The same whatever the range.
  std::optional<SettingValue> ParseUnbounded(std::string_view text, bool is_quoted) const;

  // Sets the field in `message`, or adds to it if it is a list. `value` must be of the field's
  // type.
  void Store(const SettingValue& value, google::protobuf::Message& message) const;

  // "an integer from 1 to 65535": what goes after "expected".
  std::string Expected() const;
  // The names of an enum as the file has them; empty for other types.
  std::vector<std::string> EnumNames() const;
  // How the file writes a value of an enum; empty for the one that stands for nothing.
  static std::string EnumNameOf(const google::protobuf::EnumValueDescriptor& value);

 private:
  SettingRule(const SettingOptions& options, const google::protobuf::FieldDescriptor& target)
      : options_(&options), target_(&target) {}

  std::string ExpectedNumber() const;

  const SettingOptions* options_;
  const google::protobuf::FieldDescriptor* target_;
};

}  // namespace strata

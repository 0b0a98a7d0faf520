#include "common/settings/settings_rule.h"

#include <cmath>
#include <limits>

#include "common/address.h"
#include "common/ascii.h"
#include "common/check.h"
#include "common/number.h"
#include "common/quantity.h"

namespace strata {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Whole decimal numbers that fit Number. Leading zeros are refused: YAML once took them for octal.
template <class Number, class Wide>
std::optional<SettingValue> ParseInteger(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  const std::optional<Number> number = ParseNumber<Number>(text);
  if (!number) return std::nullopt;
  return SettingValue(Wide{*number});
}

template <class Number>
std::optional<SettingValue> ParseReal(std::string_view text) {
  const std::optional<Number> number = ParseNumber<Number>(text);
  if (!number || !std::isfinite(*number)) return std::nullopt;
  return SettingValue(double{*number});
}

std::optional<SettingValue> ParseBool(std::string_view text) {
  if (text == "true") return SettingValue(true);
  if (text == "false") return SettingValue(false);
  return std::nullopt;
}

std::optional<uint64_t> ParseWithUnit(SettingOptions::Unit unit, std::string_view text) {
  if (unit == SettingOptions::UNIT_BYTES) {
    const StatusOr<uint64_t> bytes = ParseByteSize(text);
    return bytes.ok() ? std::optional(*bytes) : std::nullopt;
  }
  const StatusOr<Duration> duration = ParseDuration(text);
  return duration.ok() ? std::optional(static_cast<uint64_t>(duration->count())) : std::nullopt;
}

std::optional<SettingValue> ParseQuantity(const FieldDescriptor& field, SettingOptions::Unit unit,
                                          std::string_view text) {
  const std::optional<uint64_t> number = ParseWithUnit(unit, text);
  if (!number) return std::nullopt;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64) return SettingValue(*number);
  if (*number > uint64_t{std::numeric_limits<int64_t>::max()}) return std::nullopt;
  return SettingValue(static_cast<int64_t>(*number));
}

std::optional<SettingValue> ParseText(SettingOptions::Format format, std::string_view text) {
  if (text.size() > kSettingTextBytesMax) return std::nullopt;
  if (format == SettingOptions::FORMAT_IP_ADDRESS && !IpAddress::Parse(text).ok()) {
    return std::nullopt;
  }
  if (format == SettingOptions::FORMAT_ENDPOINT && !Endpoint::Parse(text).ok()) {
    return std::nullopt;
  }
  return SettingValue(std::string(text));
}

// "FORWARDING_" for an enum Forwarding, if all its names begin so.
std::string CommonPrefix(const EnumDescriptor& type) {
  std::string prefix;
  for (const char c : type.name()) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !prefix.empty()) prefix.push_back('_');
    prefix.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  }
  prefix.push_back('_');
  for (int i = 0; i < type.value_count(); ++i) {
    if (!type.value(i)->name().starts_with(prefix)) return "";
  }
  return prefix;
}

std::optional<SettingValue> ParseEnum(const EnumDescriptor& type, std::string_view text) {
  for (int i = 0; i < type.value_count() && !text.empty(); ++i) {
    if (SettingRule::EnumNameOf(*type.value(i)) == text) return SettingValue(type.value(i));
  }
  return std::nullopt;
}

bool IsPlainOnly(FieldDescriptor::CppType type, SettingOptions::Unit unit) {
  return type != FieldDescriptor::CPPTYPE_STRING && type != FieldDescriptor::CPPTYPE_ENUM &&
         unit == SettingOptions::UNIT_NONE;
}

// The widest range of a plain integer of the type, as far as it is worth saying.
std::string LeastOf(FieldDescriptor::CppType type) {
  if (type == FieldDescriptor::CPPTYPE_INT32) return "-2147483648";
  const bool is_unsigned =
      type == FieldDescriptor::CPPTYPE_UINT32 || type == FieldDescriptor::CPPTYPE_UINT64;
  return is_unsigned ? "0" : "";
}
std::string GreatestOf(FieldDescriptor::CppType type) {
  if (type == FieldDescriptor::CPPTYPE_INT32) return "2147483647";
  return type == FieldDescriptor::CPPTYPE_UINT32 ? "4294967295" : "";
}

std::string RangeText(const std::string& min, const std::string& max) {
  if (min.empty() && max.empty()) return "";
  if (max.empty()) return " of at least " + min;
  if (min.empty()) return " of at most " + max;
  return " from " + min + " to " + max;
}

std::string ExpectedText(SettingOptions::Format format) {
  if (format == SettingOptions::FORMAT_IP_ADDRESS) return "an IP address";
  if (format == SettingOptions::FORMAT_ENDPOINT) {
    return "an endpoint (address:port or [address]:port)";
  }
  return "a text of at most " + std::to_string(kSettingTextBytesMax) + " bytes";
}

std::string Joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

// Hands a value to the field, whose reflection has a pair of methods for each type.
struct StoreInto {
  Message& message;
  const FieldDescriptor& field;

  const Reflection& reflection() const { return *message.GetReflection(); }

  void operator()(int64_t value) const {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT32) {
      Put(&Reflection::SetInt32, &Reflection::AddInt32, static_cast<int32_t>(value));
    } else {
      Put(&Reflection::SetInt64, &Reflection::AddInt64, value);
    }
  }
  void operator()(uint64_t value) const {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
      Put(&Reflection::SetUInt32, &Reflection::AddUInt32, static_cast<uint32_t>(value));
    } else {
      Put(&Reflection::SetUInt64, &Reflection::AddUInt64, value);
    }
  }
  void operator()(bool value) const { Put(&Reflection::SetBool, &Reflection::AddBool, value); }
  void operator()(double value) const {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_FLOAT) {
      Put(&Reflection::SetFloat, &Reflection::AddFloat, static_cast<float>(value));
    } else {
      Put(&Reflection::SetDouble, &Reflection::AddDouble, value);
    }
  }
  void operator()(const std::string& value) const {
    Put(&Reflection::SetString, &Reflection::AddString, value);
  }
  void operator()(const EnumValueDescriptor* value) const {
    Put(&Reflection::SetEnum, &Reflection::AddEnum, value);
  }

  template <class Set, class Add, class Value>
  void Put(Set set, Add add, const Value& value) const {
    if (field.is_repeated()) {
      (reflection().*add)(&message, &field, value);
    } else {
      (reflection().*set)(&message, &field, value);
    }
  }
};

}  // namespace

SettingRule::SettingRule(const FieldDescriptor& field)
    : SettingRule(field.options().GetExtension(setting),
                  field.is_map() ? *field.message_type()->map_value() : field) {}

SettingRule SettingRule::ForKeys(const FieldDescriptor& map_field) {
  return {SettingOptions::default_instance(), *map_field.message_type()->map_key()};
}

bool SettingRule::IsSection() const {
  return target_->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}

std::optional<SettingValue> SettingRule::ParseUnbounded(std::string_view text,
                                                        bool is_quoted) const {
  const FieldDescriptor::CppType type = target_->cpp_type();
  if (is_quoted && IsPlainOnly(type, options_->unit())) return std::nullopt;
  if (options_->unit() != SettingOptions::UNIT_NONE) {
    return ParseQuantity(*target_, options_->unit(), text);
  }
  switch (type) {
    case FieldDescriptor::CPPTYPE_INT32:
      return ParseInteger<int32_t, int64_t>(text);
    case FieldDescriptor::CPPTYPE_INT64:
      return ParseInteger<int64_t, int64_t>(text);
    case FieldDescriptor::CPPTYPE_UINT32:
      return ParseInteger<uint32_t, uint64_t>(text);
    case FieldDescriptor::CPPTYPE_UINT64:
      return ParseInteger<uint64_t, uint64_t>(text);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return ParseReal<float>(text);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return ParseReal<double>(text);
    case FieldDescriptor::CPPTYPE_BOOL:
      return ParseBool(text);
    case FieldDescriptor::CPPTYPE_ENUM:
      return ParseEnum(*target_->enum_type(), text);
    case FieldDescriptor::CPPTYPE_STRING:
      return ParseText(options_->format(), text);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<SettingValue> SettingRule::Parse(std::string_view text, bool is_quoted) const {
  const std::optional<SettingValue> value = ParseUnbounded(text, is_quoted);
  if (!value) return std::nullopt;
  // Both sides hold the same alternative, so the variants compare by value.
  if (!options_->min().empty() && *value < ParseUnbounded(options_->min(), false)) {
    return std::nullopt;
  }
  if (!options_->max().empty() && *value > ParseUnbounded(options_->max(), false)) {
    return std::nullopt;
  }
  return value;
}

void SettingRule::Store(const SettingValue& value, Message& message) const {
  std::visit(StoreInto{message, *target_}, value);
}

std::vector<std::string> SettingRule::EnumNames() const {
  std::vector<std::string> names;
  if (target_->cpp_type() != FieldDescriptor::CPPTYPE_ENUM) return names;
  for (int i = 0; i < target_->enum_type()->value_count(); ++i) {
    std::string name = EnumNameOf(*target_->enum_type()->value(i));
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

std::string SettingRule::EnumNameOf(const EnumValueDescriptor& value) {
  const std::string name = value.name().substr(CommonPrefix(*value.type()).size());
  if (value.number() == 0 && name.ends_with("UNSPECIFIED")) return "";
  return ToLower(name);
}

std::string SettingRule::ExpectedNumber() const {
  std::string min = options_->min();
  std::string max = options_->max();
  if (options_->unit() == SettingOptions::UNIT_DURATION) {
    return "a duration (such as \"200us\" or \"5s\")" + RangeText(min, max);
  }
  if (options_->unit() == SettingOptions::UNIT_BYTES) {
    return "a size (such as \"64KiB\" or \"1.5GiB\")" + RangeText(min, max);
  }
  const FieldDescriptor::CppType type = target_->cpp_type();
  const bool is_real =
      type == FieldDescriptor::CPPTYPE_FLOAT || type == FieldDescriptor::CPPTYPE_DOUBLE;
  if (is_real) return "a number" + RangeText(min, max);
  if (min.empty()) min = LeastOf(type);
  if (max.empty()) max = GreatestOf(type);
  return "an integer" + RangeText(min, max);
}

std::string SettingRule::Expected() const {
  switch (target_->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return "one of " + Joined(EnumNames());
    case FieldDescriptor::CPPTYPE_STRING:
      return ExpectedText(options_->format());
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return "a section";
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return ExpectedNumber();
  }
  return "";
}

}  // namespace strata

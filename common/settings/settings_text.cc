#include "common/settings/settings_text.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "common/quantity.h"
#include "common/settings/settings_rule.h"
#include "common/settings/settings_schema.h"

namespace strata {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Texts that are no plain YAML, or would be read as something else, go into quotes.
bool IsPlain(std::string_view text) {
  if (text.empty()) return false;
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const auto fits = [&](char c) {
    return is_letter(c) || c == '_' || c == '-' || c == '.' || c == '/';
  };
  if (!is_letter(text.front()) && text.front() != '/' && text.front() != '_') return false;
  return text != "null" && text != "Null" && text != "NULL" &&
         std::all_of(text.begin(), text.end(), fits);
}

std::string Hexadecimal(unsigned char c) {
  constexpr char kDigits[] = "0123456789abcdef";
  return {'\\', 'x', kDigits[c >> 4], kDigits[c & 15]};
}

std::string Quoted(std::string_view text) {
  if (IsPlain(text)) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += Hexadecimal(byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// The shortest text that is read as the same number.
template <class Number>
std::string RealText(Number number) {
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

std::string Integer(const SettingRule& rule, int64_t number) {
  if (rule.options().unit() == SettingOptions::UNIT_DURATION) {
    return FormatDuration(Duration(number));
  }
  return rule.options().unit() == SettingOptions::UNIT_BYTES
             ? FormatByteSize(static_cast<uint64_t>(number))
             : std::to_string(number);
}

std::string Unsigned(const SettingRule& rule, uint64_t number) {
  if (rule.options().unit() == SettingOptions::UNIT_DURATION) {
    return FormatDuration(Duration(static_cast<int64_t>(number)));
  }
  return rule.options().unit() == SettingOptions::UNIT_BYTES ? FormatByteSize(number)
                                                             : std::to_string(number);
}

// One value of a field: its only one, or that at a place of a list.
struct Value {
  const Message& message;
  const FieldDescriptor& field;
  std::optional<int> place;

  template <class One, class Listed>
  auto Get(One one, Listed listed) const {
    const Reflection& reflection = *message.GetReflection();
    return place ? (reflection.*listed)(message, &field, *place)
                 : (reflection.*one)(message, &field);
  }
};

std::string TextOf(const SettingRule& rule, const Value& value) {
  switch (value.field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(value.Get(&Reflection::GetInt32, &Reflection::GetRepeatedInt32));
    case FieldDescriptor::CPPTYPE_INT64:
      return Integer(rule, value.Get(&Reflection::GetInt64, &Reflection::GetRepeatedInt64));
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(value.Get(&Reflection::GetUInt32, &Reflection::GetRepeatedUInt32));
    case FieldDescriptor::CPPTYPE_UINT64:
      return Unsigned(rule, value.Get(&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return RealText(value.Get(&Reflection::GetFloat, &Reflection::GetRepeatedFloat));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return RealText(value.Get(&Reflection::GetDouble, &Reflection::GetRepeatedDouble));
    case FieldDescriptor::CPPTYPE_BOOL:
      return value.Get(&Reflection::GetBool, &Reflection::GetRepeatedBool) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_STRING:
      return Quoted(value.Get(&Reflection::GetString, &Reflection::GetRepeatedString));
    case FieldDescriptor::CPPTYPE_ENUM:
      return rule.EnumNameOf(*value.Get(&Reflection::GetEnum, &Reflection::GetRepeatedEnum));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return "";
  }
  return "";
}

// Whether the field would be filled like this if the file did not give it.
bool IsWhatIsLeftOut(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  const SettingRule rule(field);
  if (rule.options().required()) return rule.IsSection() && !reflection.HasField(message, &field);
  const std::unique_ptr<Message> defaults(message.New());
  FillSettingsDefaults(defaults.get());
  if (reflection.HasField(message, &field) != reflection.HasField(*defaults, &field)) return false;
  if (!reflection.HasField(message, &field)) return true;
  if (rule.IsSection()) {
    return reflection.GetMessage(message, &field).SerializeAsString() ==
           reflection.GetMessage(*defaults, &field).SerializeAsString();
  }
  return TextOf(rule, {message, field, {}}) == TextOf(rule, {*defaults, field, {}});
}

class Writer {
 public:
  // True if it wrote anything.
  bool WriteSection(const Message& message, const std::string& indent) {
    const size_t before = text_.size();
    const google::protobuf::Descriptor& type = *message.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) WriteField(message, *type.field(i), indent);
    return text_.size() > before;
  }

  std::string Result() && { return std::move(text_); }

 private:
  void WriteField(const Message& message, const FieldDescriptor& field, const std::string& indent) {
    if (field.is_map()) {
      WriteMap(message, field, indent);
    } else if (field.is_repeated()) {
      WriteList(message, field, indent);
    } else if (!IsWhatIsLeftOut(message, field)) {
      WriteOne(message, field, field.name(), indent);
    }
  }

  void WriteOne(const Message& message, const FieldDescriptor& field, const std::string& key,
                const std::string& indent) {
    text_ += indent + key + ":";
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      WriteInside(message.GetReflection()->GetMessage(message, &field), indent);
    } else {
      text_ += " " + TextOf(SettingRule(field), {message, field, {}}) + "\n";
    }
  }

  // A section behind its key.
  void WriteInside(const Message& section, const std::string& indent) {
    const size_t key_end = text_.size();
    text_ += "\n";
    if (WriteSection(section, indent + "  ")) return;
    text_.resize(key_end);
    text_ += " {}\n";
  }

  void WriteList(const Message& message, const FieldDescriptor& field, const std::string& indent) {
    const int size = message.GetReflection()->FieldSize(message, &field);
    const SettingRule rule(field);
    if (size == 0 && !rule.options().required()) return;
    if (size != 0 && rule.IsSection()) {
      text_ += indent + field.name() + ":\n";
      for (int i = 0; i < size; ++i) {
        WriteItem(message.GetReflection()->GetRepeatedMessage(message, &field, i), indent + "  ");
      }
      return;
    }
    std::string items;
    for (int i = 0; i < size; ++i) {
      items += (i == 0 ? "" : ", ") + TextOf(rule, {message, field, i});
    }
    text_ += indent + field.name() + ": [" + items + "]\n";
  }

  void WriteItem(const Message& section, const std::string& indent) {
    const size_t begin = text_.size();
    if (WriteSection(section, indent + "  ")) {
      text_[begin + indent.size()] = '-';
    } else {
      text_ += indent + "- {}\n";
    }
  }

  void WriteMap(const Message& message, const FieldDescriptor& field, const std::string& indent) {
    const Reflection& reflection = *message.GetReflection();
    const SettingRule keys = SettingRule::ForKeys(field);
    std::map<std::string, const Message*> pairs;  // In an order of their own: the map has none.
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      const Message& pair = reflection.GetRepeatedMessage(message, &field, i);
      pairs.emplace(TextOf(keys, {pair, keys.target(), {}}), &pair);
    }
    // Values have the options of the map, so they are written by its rule.
    const SettingRule rule(field);
    if (pairs.empty()) {
      if (rule.options().required()) text_ += indent + field.name() + ": {}\n";
      return;
    }
    text_ += indent + field.name() + ":\n";
    for (const auto& [key, pair] : pairs) {
      if (rule.IsSection()) {
        WriteOne(*pair, rule.target(), key, indent + "  ");
      } else {
        text_ += indent + "  " + key + ": " + TextOf(rule, {*pair, rule.target(), {}}) + "\n";
      }
    }
  }

  std::string text_;
};

}  // namespace

void FillSettingsDefaults(Message* out) {
  const google::protobuf::Descriptor& type = *out->GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const SettingRule rule(field);
    if (field.is_repeated() || rule.options().required()) continue;
    if (IsAlwaysPresent(field)) {
      FillSettingsDefaults(out->GetReflection()->MutableMessage(out, &field));
    } else if (!rule.options().default_().empty()) {
      rule.Store(rule.Parse(rule.options().default_(), false).value(), *out);
    }
  }
}

std::string SettingsText(const Message& message) {
  Writer writer;
  writer.WriteSection(message, "");
  return std::move(writer).Result();
}

}  // namespace strata

#include "common/settings/settings.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "common/file.h"
#include "common/near_miss.h"
#include "common/settings/settings_rule.h"
#include "common/settings/settings_schema.h"
#include "common/utf8.h"
#include "common/yaml_tree.h"

namespace strata {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;

// Words from the file are cut here in messages.
constexpr size_t kQuotedBytesMax = 60;

bool IsWordLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// On one line, cut if long.
std::string Quoted(std::string_view text) {
  const bool cut = text.size() > kQuotedBytesMax;
  if (cut) text = text.substr(0, ValidUtf8Prefix(text.substr(0, kQuotedBytesMax)));
  std::string out = "\"";
  for (const char c : text) {
    const bool is_control = (c >= 0 && c < ' ') || c == 0x7f;
    if (c == '"' || c == '\\') out.push_back('\\');
    out += c == '\n' ? "\\n" : std::string(1, is_control ? '?' : c);
  }
  return out + (cut ? "...\"" : "\"");
}

std::string Below(const std::string& path, const std::string& key) {
  const bool is_word = !key.empty() && key.size() <= kQuotedBytesMax &&
                       std::all_of(key.begin(), key.end(), IsWordLetter);
  if (!is_word) return path + "[" + Quoted(key) + "]";
  return path.empty() ? key : path + "." + key;
}

std::string Found(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNothing:
      return "nothing";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a section";
    case YamlNode::Kind::kText:
      return node.is_quoted ? "the quoted text " + Quoted(node.text) : Quoted(node.text);
  }
  return "";
}

// Walks the file and the schema side by side, fills the message and collects what is wrong.
class Loader {
 public:
  void LoadSection(const YamlNode& node, const std::string& path, Message& message) {
    if (node.kind != YamlNode::Kind::kMap && node.kind != YamlNode::Kind::kNothing) {
      Mismatch(node, path, "a section");
      return;
    }
    const Descriptor& type = *message.GetDescriptor();
    std::set<const FieldDescriptor*> given;
    std::map<const OneofDescriptor*, std::string> chosen;
    for (const YamlEntry& entry : node.entries) {
      const FieldDescriptor* field = type.FindFieldByName(entry.key);
      if (field == nullptr) {
        UnknownKey(entry, path, type);
        continue;
      }
      given.insert(field);
      CheckChoice(entry, *field, path, chosen);
      LoadField(*field, *entry.value, Below(path, entry.key), message);
    }
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (!given.contains(&field)) LoadAbsent(field, node.position, path, message);
    }
  }

  void Add(TextError error) { errors_.push_back(std::move(error)); }

  Status Result(std::string_view file_name) {
    if (errors_.empty()) return Ok();
    std::stable_sort(errors_.begin(), errors_.end(), [](const TextError& a, const TextError& b) {
      return a.position < b.position;
    });
    const std::string file(file_name);
    std::string text;
    for (size_t i = 0; i < std::min(errors_.size(), kSettingsErrorsMax); ++i) {
      const auto& [position, message] = errors_[i];
      text += (text.empty() ? "" : "\n") + file + ":";
      if (position.line > 0) {
        text += std::to_string(position.line) + ":" + std::to_string(position.column) + ":";
      }
      text += " " + message;
    }
    if (errors_.size() > kSettingsErrorsMax) {
      const size_t more = errors_.size() - kSettingsErrorsMax;
      text += "\n" + file + ": and " + std::to_string(more) + " more errors";
    }
    return MakeStatus(StatusCode::kInvalidArgument, text);
  }

 private:
  void Add(TextPosition position, const std::string& path, const std::string& text) {
    errors_.push_back({position, (path.empty() ? "" : path + ": ") + text});
  }

  void Mismatch(const YamlNode& node, const std::string& path, const std::string& expected) {
    Add(node.position, path, "found " + Found(node) + ", expected " + expected);
  }

  void UnknownKey(const YamlEntry& entry, const std::string& path, const Descriptor& type) {
    std::vector<std::string> known;
    for (int i = 0; i < type.field_count(); ++i) known.push_back(type.field(i)->name());
    const std::string_view meant = NearMiss(entry.key, known);
    std::string text = "unknown key";
    if (!meant.empty()) text += ", did you mean " + Quoted(meant) + "?";
    Add(entry.position, Below(path, entry.key), text);
  }

  void CheckChoice(const YamlEntry& entry, const FieldDescriptor& field, const std::string& path,
                   std::map<const OneofDescriptor*, std::string>& chosen) {
    const OneofDescriptor* choice = field.real_containing_oneof();
    if (choice == nullptr) return;
    const auto [first, added] = chosen.try_emplace(choice, entry.key);
    if (added) return;
    Add(entry.position, Below(path, entry.key),
        "cannot be given together with " + Quoted(first->second));
  }

  void LoadField(const FieldDescriptor& field, const YamlNode& node, const std::string& path,
                 Message& message) {
    if (field.is_map()) {
      LoadMap(field, node, path, message);
    } else if (field.is_repeated()) {
      LoadList(field, node, path, message);
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      LoadSection(node, path, *message.GetReflection()->MutableMessage(&message, &field));
    } else {
      LoadValue(SettingRule(field), node, path, message);
    }
  }

  void LoadValue(const SettingRule& rule, const YamlNode& node, const std::string& path,
                 Message& message) {
    std::optional<SettingValue> value;
    if (node.kind == YamlNode::Kind::kText) value = rule.Parse(node.text, node.is_quoted);
    if (value) {
      rule.Store(*value, message);
    } else {
      Mismatch(node, path, rule.Expected());
    }
  }

  void LoadList(const FieldDescriptor& field, const YamlNode& node, const std::string& path,
                Message& message) {
    if (node.kind != YamlNode::Kind::kList && node.kind != YamlNode::Kind::kNothing) {
      Mismatch(node, path, "a list");
      return;
    }
    const SettingRule rule(field);
    for (size_t i = 0; i < node.items.size(); ++i) {
      const std::string item_path = path + "[" + std::to_string(i) + "]";
      if (rule.IsSection()) {
        LoadSection(*node.items[i], item_path,
                    *message.GetReflection()->AddMessage(&message, &field));
      } else {
        LoadValue(rule, *node.items[i], item_path, message);
      }
    }
  }

  void LoadMap(const FieldDescriptor& field, const YamlNode& node, const std::string& path,
               Message& message) {
    if (node.kind != YamlNode::Kind::kMap && node.kind != YamlNode::Kind::kNothing) {
      Mismatch(node, path, "a section");
      return;
    }
    const SettingRule key_rule = SettingRule::ForKeys(field);
    for (const YamlEntry& entry : node.entries) {
      const std::optional<SettingValue> key = key_rule.Parse(entry.key, false);
      if (!key) {
        Add(entry.position, path,
            "found the key " + Quoted(entry.key) + ", expected " + key_rule.Expected());
        continue;
      }
      Message& pair = *message.GetReflection()->AddMessage(&message, &field);
      key_rule.Store(*key, pair);
      LoadField(SettingRule(field).target(), *entry.value, Below(path, entry.key), pair);
    }
  }

  // What the file does not give, in a section that starts at `position`.
  void LoadAbsent(const FieldDescriptor& field, TextPosition position, const std::string& path,
                  Message& message) {
    const SettingRule rule(field);
    if (rule.options().required()) {
      const std::string expected = field.is_repeated() ? "" : ", expected " + rule.Expected();
      Add(position, Below(path, field.name()), "missing and required" + expected);
    } else if (IsAlwaysPresent(field)) {
      YamlNode nothing;
      nothing.position = position;
      LoadField(field, nothing, Below(path, field.name()), message);
    } else if (!rule.options().default_().empty()) {
      rule.Store(rule.Parse(rule.options().default_(), false).value(), message);
    }
  }

  std::vector<TextError> errors_;
};

}  // namespace

Status LoadSettings(std::string_view file_name, std::string_view yaml_text, Message* out) {
  STRATA_RETURN_IF_ERROR(CheckSettingsSchema(*out->GetDescriptor()));
  Loader loader;
  YamlDocument document = ParseYaml(yaml_text);
  for (TextError& error : document.errors) loader.Add(std::move(error));
  const std::unique_ptr<Message> loaded(out->New());
  if (document.root != nullptr) loader.LoadSection(*document.root, "", *loaded);
  STRATA_RETURN_IF_ERROR(loader.Result(file_name));
  out->GetReflection()->Swap(out, loaded.get());
  return Ok();
}

Status LoadSettingsFile(const std::string& path, Message* out) {
  STRATA_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kYamlBytesMax));
  return LoadSettings(path, text, out);
}

}  // namespace strata

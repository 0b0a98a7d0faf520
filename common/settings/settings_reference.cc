#include "common/settings/settings_reference.h"

#include <map>
#include <string_view>

#include "common/settings/settings_rule.h"
#include "common/settings/settings_schema.h"

namespace strata {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// A cell of a Markdown table.
std::string Cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out.push_back('\\');
    out.push_back(c == '\n' ? ' ' : c);
  }
  return out;
}

std::string Code(std::string_view text) { return "`" + std::string(text) + "`"; }

std::string Accepted(const FieldDescriptor& field, const SettingRule& rule) {
  if (field.is_map()) return "a section, each value " + rule.Expected();
  if (field.is_repeated()) return "a list, each item " + rule.Expected();
  return rule.Expected();
}

std::string DefaultOf(const FieldDescriptor& field, const SettingRule& rule) {
  if (rule.options().required()) return "required";
  if (!rule.options().default_().empty()) return Code(rule.options().default_());
  if (field.is_repeated()) return "empty";
  const bool may_be_absent = field.has_presence() && !IsAlwaysPresent(field);
  return may_be_absent ? "left out" : "";
}

class Renderer {
 public:
  void AddSection(const Descriptor& type, const std::string& prefix) {
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      const std::string key = prefix + field.name();
      AddRow(field, key);
      const SettingRule rule(field);
      if (rule.IsSection()) AddInside(field, *rule.target().message_type(), key);
    }
  }

  std::string Result() && { return std::move(text_); }

 private:
  void AddRow(const FieldDescriptor& field, const std::string& key) {
    const SettingRule rule(field);
    text_ += "| " + Code(key) + " | " + Cell(Accepted(field, rule)) + " | " +
             Cell(DefaultOf(field, rule)) + " | " +
             (rule.options().needs_restart() ? "at restart" : "at once") + " | " +
             Cell(rule.options().help()) + " |\n";
  }

  // The keys of a section, unless this is a section inside one of its own kind.
  void AddInside(const FieldDescriptor& field, const Descriptor& type, const std::string& key) {
    const std::string inside = key + (field.is_map() ? ".<key>" : field.is_repeated() ? "[]" : "");
    const auto [outer, added] = open_.try_emplace(&type, inside);
    if (!added) {
      text_ += "| " + Code(inside + ".*") + " | | | | As " + Code(outer->second + ".*") + ". |\n";
      return;
    }
    AddSection(type, inside + ".");
    open_.erase(&type);
  }

  std::map<const Descriptor*, std::string> open_;  // Sections around the current row, by type.
  std::string text_ =
      "| Key | Value | Default | Change takes effect | Meaning |\n"
      "|-----|-------|---------|---------------------|---------|\n";
};

}  // namespace

std::string RenderSettingsReference(const Descriptor& type) {
  Renderer renderer;
  renderer.AddSection(type, "");
  return std::move(renderer).Result();
}

}  // namespace strata

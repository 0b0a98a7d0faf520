#include "common/settings/settings_schema.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "common/settings/settings_rule.h"

namespace strata {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

bool IsNumber(FieldDescriptor::CppType type) {
  switch (type) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return true;
    case FieldDescriptor::CPPTYPE_BOOL:
    case FieldDescriptor::CPPTYPE_ENUM:
    case FieldDescriptor::CPPTYPE_STRING:
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return false;
  }
  return false;
}

bool IsWideInteger(FieldDescriptor::CppType type) {
  return type == FieldDescriptor::CPPTYPE_INT64 || type == FieldDescriptor::CPPTYPE_UINT64;
}

bool HasRange(const SettingOptions& options) {
  return !options.min().empty() || !options.max().empty();
}

class Checker {
 public:
  void CheckMessage(const Descriptor& type) {
    if (!seen_.insert(&type).second) return;
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      CheckField(field);
      const SettingRule rule(field);
      if (rule.IsSection()) CheckMessage(*rule.target().message_type());
    }
    std::vector<const Descriptor*> path;
    CheckEnds(type, path);
  }

  Status Result() const { return faults_.empty() ? Ok() : Internal("%s", faults_.c_str()); }

 private:
  void Fault(const FieldDescriptor& field, const std::string& text) {
    faults_ += (faults_.empty() ? "" : "\n") + field.full_name() + ": " + text;
  }

  void CheckField(const FieldDescriptor& field) {
    const SettingRule rule(field);
    if (rule.options().help().empty()) Fault(field, "no help");
    if (rule.target().type() == FieldDescriptor::TYPE_BYTES)
      Fault(field, "bytes have no written form");
    CheckFit(field, rule);
    if (!CheckLimits(field, rule)) return;
    CheckDefault(field, rule);
  }

  // Options that say nothing about the field's type.
  void CheckFit(const FieldDescriptor& field, const SettingRule& rule) {
    const SettingOptions& options = rule.options();
    const FieldDescriptor::CppType type = rule.target().cpp_type();
    if (options.unit() != SettingOptions::UNIT_NONE && !IsWideInteger(type)) {
      Fault(field, "a unit needs a 64-bit integer");
    }
    if (options.format() != SettingOptions::FORMAT_ANY && type != FieldDescriptor::CPPTYPE_STRING) {
      Fault(field, "a format needs a string");
    }
    if (HasRange(options) && !IsNumber(type)) Fault(field, "a range needs a number");
  }

  bool CheckLimits(const FieldDescriptor& field, const SettingRule& rule) {
    const SettingOptions& options = rule.options();
    const auto min = rule.ParseUnbounded(options.min(), false);
    const auto max = rule.ParseUnbounded(options.max(), false);
    const size_t before = faults_.size();
    if (!options.min().empty() && !min) Fault(field, "min cannot be read");
    if (!options.max().empty() && !max) Fault(field, "max cannot be read");
    if (!options.min().empty() && !options.max().empty() && min > max)
      Fault(field, "min is above max");
    return faults_.size() == before;
  }

  void CheckDefault(const FieldDescriptor& field, const SettingRule& rule) {
    const SettingOptions& options = rule.options();
    if (options.default_().empty()) return;
    if (options.required()) Fault(field, "required and with a default");
    if (field.is_repeated() || rule.IsSection() || field.real_containing_oneof() != nullptr) {
      Fault(field, "a default needs a single value outside a choice");
    } else if (!rule.Parse(options.default_(), false)) {
      Fault(field, "the default is not " + rule.Expected());
    }
  }

  // Sections that are always present must not lead back to themselves.
  void CheckEnds(const Descriptor& type, std::vector<const Descriptor*>& path) {
    path.push_back(&type);
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (!IsAlwaysPresent(field)) continue;
      if (field.message_type() == path.front()) {
        Fault(field, "a section inside itself must be optional");
      } else if (std::find(path.begin(), path.end(), field.message_type()) == path.end()) {
        CheckEnds(*field.message_type(), path);
      }
    }
    path.pop_back();
  }

  std::set<const Descriptor*> seen_;
  std::string faults_;
};

}  // namespace

Status CheckSettingsSchema(const Descriptor& type) {
  Checker checker;
  checker.CheckMessage(type);
  return checker.Result();
}

bool IsAlwaysPresent(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field.is_repeated() &&
         !field.has_optional_keyword() && field.real_containing_oneof() == nullptr;
}

}  // namespace strata

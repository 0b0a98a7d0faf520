#include "common/settings/settings_change.h"

#include <google/protobuf/util/message_differencer.h>

#include "common/settings/settings_options.pb.h"

namespace strata {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;

bool Differs(const FieldDescriptor& field, const Message& before, const Message& after) {
  MessageDifferencer differencer;
  const std::vector<const FieldDescriptor*> only = {&field};
  return !differencer.CompareWithFields(before, after, only, only);
}

void Compare(const Message& before, const Message& after, const std::string& prefix,
             SettingsChange& change) {
  for (int i = 0; i < before.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *before.GetDescriptor()->field(i);
    if (!Differs(field, before, after)) continue;
    const std::string key = prefix + field.name();
    const bool section = !field.is_repeated() &&
                         field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
                         before.GetReflection()->HasField(before, &field) &&
                         after.GetReflection()->HasField(after, &field);
    if (section) {
      Compare(before.GetReflection()->GetMessage(before, &field),
              after.GetReflection()->GetMessage(after, &field), key + ".", change);
    } else {
      const bool restart = field.options().GetExtension(setting).needs_restart();
      (restart ? change.at_restart : change.at_once).push_back(key);
    }
  }
}

}  // namespace

SettingsChange CompareSettings(const Message& before, const Message& after) {
  SettingsChange change;
  Compare(before, after, "", change);
  return change;
}

}  // namespace strata

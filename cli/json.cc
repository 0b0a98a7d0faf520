#include "cli/json.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

namespace strata::cli {
namespace {

std::string Print(const google::protobuf::Message& message, bool on_lines) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = on_lines;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string text;
  // Fails for what is not UTF-8 only, which a message that was parsed cannot hold.
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return "{}\n";
  return on_lines ? text : text + "\n";
}

}  // namespace

std::string JsonOf(const google::protobuf::Message& message) { return Print(message, true); }
std::string JsonLineOf(const google::protobuf::Message& message) { return Print(message, false); }

std::string JsonLineOf(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string line;
  for (const auto& [name, text] : fields) {
    google::protobuf::Value value;
    value.set_string_value(text);
    std::string quoted = JsonLineOf(value);
    quoted.pop_back();
    line += (line.empty() ? "{\"" : ",\"") + name + "\":" + quoted;
  }
  return line + "}\n";
}

}  // namespace strata::cli

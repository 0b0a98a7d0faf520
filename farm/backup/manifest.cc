#include "farm/backup/manifest.h"

#include <google/protobuf/util/json_util.h>

#include <utility>

#include "proto/backup.pb.h"

namespace strata::farm::backup {

namespace v1 = strata::backup::v1;

std::string ToJson(const Manifest& manifest) {
  v1::Manifest message;
  message.set_format(manifest.format);
  message.set_scope(manifest.scope);
  message.set_manager(manifest.manager);
  message.set_version(manifest.version);
  message.set_created_at_ms(manifest.created_at_ms);
  message.set_group_id(manifest.group_id);
  message.set_records(manifest.records);
  message.set_bytes(manifest.bytes);
  for (const Manifest::Part& part : manifest.parts) {
    v1::Part* added = message.add_parts();
    added->set_name(part.name);
    added->set_bytes(part.bytes);
    added->set_records(part.records);
    added->set_sha256(part.sha256);
  }
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  return json;
}

StatusOr<Manifest> ParseManifest(std::string_view json) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // A later program may say more.
  v1::Manifest message;
  if (!google::protobuf::util::JsonStringToMessage(std::string(json), &message, options).ok()) {
    return DataLoss("it cannot be read");
  }
  if (message.format() != kFormat) {
    return FailedPrecondition("format %u: this program knows format %u only", message.format(),
                              kFormat);
  }
  Manifest manifest;
  manifest.scope = message.scope();
  manifest.manager = message.manager();
  manifest.version = message.version();
  manifest.created_at_ms = message.created_at_ms();
  manifest.group_id = message.group_id();
  manifest.records = message.records();
  manifest.bytes = message.bytes();
  for (const v1::Part& part : message.parts()) {
    manifest.parts.push_back({part.name(), part.bytes(), part.records(), part.sha256()});
  }
  return manifest;
}

}  // namespace strata::farm::backup

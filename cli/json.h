#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <utility>
#include <vector>

namespace strata::cli {

// A message as JSON: fields by their names in the .proto file, all of them; 64-bit numbers are
// texts, as protobuf's rules have it. On several lines, or on one, with an end of line.
std::string JsonOf(const google::protobuf::Message& message);
std::string JsonLineOf(const google::protobuf::Message& message);

// An object of texts, in this order, on one line.
std::string JsonLineOf(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace strata::cli

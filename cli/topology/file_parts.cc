#include "cli/topology/file_parts.h"

namespace strata::cli::topology {

const v1::ProcessFile& FileOf(const v1::TopologyFile& file, const PlannedProcess& process) {
  const v1::ScopeFile& scope = file.scopes().at(process.scope);
  const int item = static_cast<int>(process.item);
  if (process.role == tls::Role::kWitness) return scope.witness();
  if (process.role == tls::Role::kEngine) return scope.engines(item);
  return scope.managers_size() == 0 ? v1::ProcessFile::default_instance() : scope.managers(item);
}

std::vector<IpAddress> AddressesOf(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::vector<IpAddress> addresses;
  for (const std::string& text : texts) {
    if (const auto address = IpAddress::Parse(text); address.ok()) addresses.push_back(*address);
  }
  return addresses;
}

}  // namespace strata::cli::topology

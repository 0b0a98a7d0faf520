// Holds floating addresses while the file `may` is there; for floating_address_test.py.
#include <unistd.h>

#include <iostream>
#include <string>

#include "service_manager/address/address_keeper.h"

int main(int argc, char** argv) {
  using namespace strata;
  using namespace strata::manager::address;
  if (argc < 4) {
    std::cerr << "address_holder INTERFACE MAY ADDRESS...\n";
    return 2;
  }
  FloatingAddressOptions options;
  options.interface = argv[1];
  const std::string may = argv[2];
  for (int i = 3; i < argc; ++i) {
    const StatusOr<IpAddress> address = IpAddress::Parse(argv[i]);
    if (!address.ok()) return 2;
    options.addresses.push_back(*address);
  }
  MetricRegistry metrics;
  const auto claim = [&may] {
    return access(may.c_str(), F_OK) == 0 ? Claim::kLeads : Claim::kNone;
  };
  const auto keeper = AddressKeeper::Start(options, {.claim = claim, .on_welcome = {}}, metrics);
  if (!keeper.ok()) {
    std::cerr << MessageOf(keeper.status()) << "\n";
    return 1;
  }
  std::cout << "ready" << std::endl;
  std::string line;
  std::getline(std::cin, line);  // Until its end.
  return 0;
}

// Holds floating addresses as a file says ("leads", "behind", "yields"; else not at all), with a
// front end on them that knows no farm; for floating_address_test.py.
#include <fstream>
#include <iostream>
#include <string>

#include "common/huge_pages.h"
#include "common/system_random.h"
#include "service_manager/address/address_keeper.h"
#include "service_manager/frontend/front_end.h"

namespace {

using namespace strata;
using namespace strata::manager::address;

Claim ClaimIn(const std::string& path) {
  std::string word;
  std::ifstream(path) >> word;
  if (word == "leads") return Claim::kLeads;
  if (word == "behind") return Claim::kLeadsBehind;
  return word == "yields" ? Claim::kYields : Claim::kNone;
}

int Fail(const Status& status) {
  std::cerr << MessageOf(status) << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::cerr << "address_holder INTERFACE CLAIM PORT ADDRESS...\n";
    return 2;
  }
  FloatingAddressOptions options;
  options.interface = argv[1];
  const std::string path = argv[2];
  strata::manager::frontend::FrontEndOptions front;
  for (int i = 4; i < argc; ++i) {
    const StatusOr<IpAddress> address = IpAddress::Parse(argv[i]);
    if (!address.ok()) return Fail(address.status());
    options.addresses.push_back(*address);
    front.floating.push_back({*address, static_cast<uint16_t>(std::stoi(argv[3]))});
  }
  MetricRegistry metrics;
  SystemRandom random;
  HugePageResource memory;
  strata::manager::directory::LocationIndex index(random, memory);
  const auto front_end = strata::manager::frontend::FrontEnd::Start(front, index, metrics);
  if (!front_end.ok()) return Fail(front_end.status());
  const auto welcome = [&front_end](Welcome how) {
    (*front_end)->SetLastRequests(how != Welcome::kOpen);
    (*front_end)->SetDeaf(how == Welcome::kNone);
  };
  const auto keeper = AddressKeeper::Start(
      options, {.claim = [&path] { return ClaimIn(path); }, .on_welcome = welcome}, metrics);
  if (!keeper.ok()) return Fail(keeper.status());
  std::cout << "ready" << std::endl;
  std::string line;
  std::getline(std::cin, line);  // Until its end.
  return 0;
}

// A chat: every line typed at one member appears at all of them, in the same order everywhere.
//
//   hello_group 1        founds the group; then, in other terminals: hello_group 2, hello_group 3
//   hello_group 2 eth0   the same on a network, by the name of its interface
#include <cstdlib>
#include <iostream>
#include <string>

#include "multicast/group.h"

namespace {

using namespace strata;             // Status, AsBytes, AsText
using namespace strata::multicast;  // Group and what belongs to it

class Chat : public GroupApplication {
 public:
  void OnDeliver(const DeliverAction& message) override {
    std::cout << message.origin.value() << ": " << AsText(message.message) << std::endl;
  }
  void OnViewChanged(const ViewChangedAction& change) override {
    std::cout << "view " << change.view.number << ":";
    for (const MemberInfo& member : change.view.members) {
      std::cout << " " << member.id.value() << " " << ToString(member.status);
    }
    std::cout << std::endl;
  }
};

GroupOptions Options(uint32_t member, const std::string& interface) {
  GroupOptions options;
  options.core.group = GroupId(1);
  options.core.found = member == 1;
  options.member = MemberId(member);
  options.role = member == 1 ? Role::kManager : Role::kEngine;
  options.sockets.interface = interface;
  options.sockets.group = IpAddress::V4(239, 255, 83, 1);
  options.sockets.port = 7450;
  options.sockets.loopback = true;  // Several members on one machine.
  options.own_thread = true;
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || std::atoi(argv[1]) < 1) {
    std::cerr << "usage: hello_group <number of this member> [<interface>]\n";
    return 2;
  }
  Chat chat;
  auto options = Options(static_cast<uint32_t>(std::atoi(argv[1])), argc > 2 ? argv[2] : "lo");
  auto group = Group::Join(options, chat);
  if (!group.ok()) {
    std::cerr << MessageOf(group.status()) << "\n";
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    auto sent = (*group)->Send(0, AsBytes(line));
    if (std::holds_alternative<SendRefusal>(sent)) std::cerr << "not in a group yet\n";
  }
  return 0;
}

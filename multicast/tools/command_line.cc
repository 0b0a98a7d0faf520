#include "multicast/tools/command_line.h"

#include <iostream>

namespace strata::multicast {

void AddNetworkFlags(CLI::App& app, NetworkFlags& flags) {
  app.add_option("-i,--interface", flags.interface, "Network interface that leads to the group")
      ->type_name("NAME");
  app.add_option("-a,--address", flags.address, "Multicast address of the group")
      ->type_name("ADDRESS");
  app.add_option("-p,--port", flags.port, "UDP port of the group; the next one is used too")
      ->check(CLI::Range(1, 65534))
      ->capture_default_str()
      ->type_name("PORT");
  app.add_option("--own-address", flags.own_address,
                 "Address of this machine to use; else the interface's first that fits")
      ->type_name("ADDRESS");
}

StatusOr<SocketSettings> ToSocketSettings(const NetworkFlags& flags) {
  if (flags.interface.empty()) return InvalidArgument("--interface is missing");
  if (flags.address.empty()) return InvalidArgument("--address is missing");
  SocketSettings settings;
  settings.interface = flags.interface;
  STRATA_ASSIGN_OR_RETURN(settings.group, IpAddress::Parse(flags.address));
  settings.port = flags.port;
  settings.loopback = true;  // Members of this machine are members, too.
  if (!flags.own_address.empty()) {
    STRATA_ASSIGN_OR_RETURN(settings.address, IpAddress::Parse(flags.own_address));
  }
  return settings;
}

Status FillKeys(const std::string& path, KeyRing& ring) {
  if (path.empty()) return Ok();
  STRATA_ASSIGN_OR_RETURN(const std::vector<GroupKey> keys, ReadKeyFile(path));
  for (const GroupKey& key : keys) STRATA_RETURN_IF_ERROR(ring.Add(key.id, key.bytes));
  return Ok();
}

std::optional<int> Parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitWell : kExitFailed;
  }
  return std::nullopt;
}

int Fail(const CLI::App& app, const Status& status) {
  std::cerr << app.get_name() << ": " << MessageOf(status) << '\n';
  return kExitFailed;
}

}  // namespace strata::multicast

#include <signal.h>

#include <chrono>
#include <iostream>

#include "multicast/driver/clock.h"
#include "multicast/tools/command_line.h"
#include "multicast/tools/dump.h"
#include "multicast/tools/packet_text.h"

// Decodes the packets of a group, from the network or from a capture file: one line a record.

namespace strata::multicast {
namespace {

volatile sig_atomic_t interrupted = 0;

struct Flags {
  NetworkFlags network;
  std::string read;
  std::string filter;
  std::string keys;
  std::optional<uint64_t> group;
  std::vector<std::string> types;
  std::vector<uint32_t> members;
  size_t payload = 16;
  double seconds = 0;
  bool undecoded = false;
  bool quiet = false;
};

constexpr char kFooter[] =
    "A line is: time (UTC), source, sender, packet type, epoch/view, packet counter, then\n"
    "the fields. A record of DATA is a line of its own. Live, only what is sent to the group\n"
    "is heard; for unicast too, capture with tcpdump and pipe it in:\n"
    "  tcpdump -i eth0 -s 0 -U -w - udp | group_dump --read -\n"
    "\n"
    "Exit status: 0 all was decoded, 1 something was not (the summary says why), 2 it could\n"
    "not run.";

void Declare(CLI::App& app, Flags& flags) {
  auto* file = app.add_option("-r,--read", flags.read, "Capture file to read; - is standard input")
                   ->type_name("FILE");
  app.add_option("--filter", flags.filter, "Of the file, only what this pcap filter lets through")
      ->needs(file)
      ->type_name("EXPRESSION");
  AddNetworkFlags(app, flags.network);
  app.add_option("--seconds", flags.seconds, "Live: stop after this time; else at an interrupt")
      ->check(CLI::NonNegativeNumber)
      ->type_name("SECONDS");
  app.add_option("-k,--keys", flags.keys, "Key file of a sealed group")->type_name("FILE");
  app.add_option("-g,--group", flags.group, "Only packets of this group id")->type_name("ID");
  app.add_option("-t,--type", flags.types, "Only packets of these types: DATA,ACK,...")
      ->delimiter(',')
      ->type_name("TYPES");
  app.add_option("-m,--member", flags.members, "Only packets that these members sent")
      ->delimiter(',')
      ->type_name("IDS");
  app.add_option("--payload", flags.payload, "Show so many bytes of each payload")
      ->capture_default_str()
      ->type_name("BYTES");
  app.add_flag("--undecoded", flags.undecoded, "A line also for what cannot be decoded");
  app.add_flag("-q,--quiet", flags.quiet, "No summary at the end (it goes to standard error)");
  app.footer(kFooter);
}

StatusOr<DissectorOptions> ToOptions(const Flags& flags) {
  DissectorOptions options;
  if (flags.group) options.group = GroupId(*flags.group);
  for (const std::string& name : flags.types) {
    const std::optional<uint8_t> type = ParsePacketType(name);
    if (!type) return InvalidArgument("--type: no packet type is named %s", name.c_str());
    options.types.insert(*type);
  }
  for (const uint32_t member : flags.members) options.members.insert(MemberId(member));
  options.payload_bytes = flags.payload;
  options.show_undecoded = flags.undecoded;
  return options;
}

Status Dump(const Flags& flags, Dissector& dissector) {
  if (!flags.read.empty()) {
    STRATA_ASSIGN_OR_RETURN(CaptureFile file, CaptureFile::Open(flags.read, flags.filter));
    return DumpFile(file, dissector, std::cout);
  }
  STRATA_ASSIGN_OR_RETURN(const SocketSettings settings, ToSocketSettings(flags.network));
  const Timestamp end = flags.seconds > 0
                            ? Now() + std::chrono::duration_cast<Duration>(
                                          std::chrono::duration<double>(flags.seconds))
                            : Timestamp::Never();
  return DumpLive(settings, dissector, std::cout,
                  [end] { return interrupted != 0 || Now() >= end; });
}

int Run(const CLI::App& app, const Flags& flags) {
  if (flags.read.empty() == flags.network.interface.empty()) {
    return Fail(app, InvalidArgument("give either --read, or --interface and --address"));
  }
  KeyRing keys;
  if (const Status filled = FillKeys(flags.keys, keys); !filled.ok()) return Fail(app, filled);
  const StatusOr<DissectorOptions> options = ToOptions(flags);
  if (!options.ok()) return Fail(app, options.status());
  Dissector dissector(*options, keys);
  const Status result = Dump(flags, dissector);
  std::cout.flush();
  const bool ran = result.ok() || dissector.datagrams() > 0;
  if (ran && !flags.quiet) WriteSummary(dissector, std::cerr);
  if (!result.ok()) return Fail(app, result);
  return dissector.undecoded().empty() ? kExitWell : kExitFindings;
}

int Main(int argc, char** argv) {
  CLI::App app("Decodes the packets of a Strata multicast group, live or from a capture file.",
               "group_dump");
  Flags flags;
  Declare(app, flags);
  if (const std::optional<int> status = Parse(app, argc, argv)) return *status;
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  return Run(app, flags);
}

}  // namespace
}  // namespace strata::multicast

int main(int argc, char** argv) { return strata::multicast::Main(argc, argv); }

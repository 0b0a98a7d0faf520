#include <signal.h>

#include <chrono>
#include <iostream>

#include "common/system_random.h"
#include "multicast/tools/command_line.h"
#include "multicast/tools/probe_report.h"
#include "multicast/tools/prober.h"

// Asks all members of a group how they can be reached: the first thing to do when a LAN misbehaves.

namespace strata::multicast {
namespace {

volatile sig_atomic_t interrupted = 0;

// Members answer 100 probes a second; a round asks each of them six times at most.
constexpr double kIntervalMin = 0.05;
constexpr uint32_t kObserverIds = 0xffff0000;  // Where own ids are drawn from.

struct Flags {
  NetworkFlags network;
  uint64_t group = 0;
  std::string keys;
  uint32_t id = 0;
  std::vector<std::string> seeds;
  int count = 20;
  double interval = 0.1;
  double patience = 0.5;
  double loss = 1;
  size_t members = 0;
  bool json = false;
};

constexpr char kFooter[] =
    "Each member is asked by multicast and by unicast, with answers by multicast and by unicast,\n"
    "with short packets and with packets of full size. The program does not join the group.\n"
    "\n"
    "Exit status: 0 all is well, 1 something is wrong (the last lines say what), 2 it could\n"
    "not run.";

void Declare(CLI::App& app, Flags& flags) {
  AddNetworkFlags(app, flags.network);
  app.get_option("--interface")->required();
  app.get_option("--address")->required();
  app.add_option("-g,--group", flags.group, "Id of the group")->required()->type_name("ID");
  app.add_option("-k,--keys", flags.keys, "Key file of a sealed group")->type_name("FILE");
  app.add_option("-c,--count", flags.count, "Rounds of probes")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str()
      ->type_name("N");
  app.add_option("--interval", flags.interval, "Time from one round to the next")
      ->check(CLI::Range(kIntervalMin, 3600.0))
      ->capture_default_str()
      ->type_name("SECONDS");
  app.add_option("--wait", flags.patience, "Time to wait for the last answers")
      ->check(CLI::Range(0.0, 60.0))
      ->capture_default_str()
      ->type_name("SECONDS");
  app.add_option("--loss", flags.loss, "More loss than this is wrong")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str()
      ->type_name("PERCENT");
  app.add_option("--members", flags.members, "Fewer members than this is wrong")->type_name("N");
  app.add_option("--seed", flags.seeds, "A member to ask by unicast even if it is not heard")
      ->type_name("ADDRESS:PORT");
  app.add_option("--id", flags.id, "Member id to ask with; no member may have it")->type_name("ID");
  app.add_flag("--json", flags.json, "Print a JSON object instead of the table");
  app.footer(kFooter);
}

Duration ToDuration(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

StatusOr<ProberOptions> ToOptions(const Flags& flags) {
  ProberOptions options;
  STRATA_ASSIGN_OR_RETURN(options.sockets, ToSocketSettings(flags.network));
  options.group = GroupId(flags.group);
  options.self = MemberId(
      flags.id != 0 ? flags.id
                    : kObserverIds + static_cast<uint32_t>(SystemRandom().Below(0xffff) + 1));
  for (const std::string& text : flags.seeds) {
    STRATA_ASSIGN_OR_RETURN(const Endpoint seed, Endpoint::Parse(text));
    options.seeds.push_back(seed);
  }
  options.count = flags.count;
  options.interval = ToDuration(flags.interval);
  options.patience = ToDuration(flags.patience);
  return options;
}

std::string Title(const Flags& flags, const Prober& prober, bool sealed) {
  return "group " + std::to_string(flags.group) + " at " + flags.network.address + " port " +
         std::to_string(flags.network.port) + (sealed ? ", sealed" : ", open") + ", from " +
         ToString(prober.own()) + " (" + flags.network.interface + ", MTU " +
         std::to_string(prober.mtu()) + ")";
}

int Run(const CLI::App& app, const Flags& flags) {
  KeyRing keys;
  if (const Status filled = FillKeys(flags.keys, keys); !filled.ok()) return Fail(app, filled);
  const StatusOr<ProberOptions> options = ToOptions(flags);
  if (!options.ok()) return Fail(app, options.status());
  StatusOr<std::unique_ptr<Prober>> opened = Prober::Open(*options, keys);
  if (!opened.ok()) return Fail(app, opened.status());
  Prober& prober = **opened;
  prober.Run([] { return interrupted != 0; });
  ProbeReport report{.group = Title(flags, prober, !keys.open()),
                     .members = prober.members(),
                     .findings = FindFaults({.members = prober.members(),
                                             .rejected = prober.rejected(),
                                             .loss_percent_max = flags.loss,
                                             .mtu = prober.mtu(),
                                             .members_expected = flags.members})};
  (flags.json ? WriteJson : WriteTable)(report, std::cout);
  return report.findings.empty() ? kExitWell : kExitFindings;
}

int Main(int argc, char** argv) {
  CLI::App app("Shows how each member of a Strata multicast group can be reached.", "group_probe");
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

#include "cli/bundle/bundle.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <sstream>
#include <utility>

#include "cli/bundle/archive.h"
#include "cli/bundle/collection.h"
#include "cli/doctor/doctor.h"
#include "cli/doctor/subject.h"
#include "cli/failure.h"
#include "cli/http_get.h"
#include "cli/json.h"
#include "cli/readable.h"
#include "cli/text_width.h"
#include "cli/verbs.h"
#include "common/version.h"
#include "common/wall_clock.h"

namespace strata::cli::bundle {
namespace {

using doctor::Kind;
using doctor::Subject;

constexpr std::chrono::seconds kStatusPatience(5);
constexpr uint32_t kEvents = 1000;
constexpr const char* kJournalLines = "5000";

struct Command {
  const char* name;
  const char* what;
  std::vector<std::string> command;
};

// Of the machine, whatever runs on it.
std::vector<Command> MachineCommands() {
  return {
      {"versions/kernel.txt", "kernel", {"uname", "-a"}},
      {"versions/packages.txt",
       "installed packages",
       {"dpkg-query", "-W", "-f", "${Package} ${Version} ${Status}\n", "strata-*", "nginx*",
        "libgrpc*", "librocksdb*"}},
      {"system/interfaces.txt", "interfaces", {"ip", "-s", "-d", "link"}},
      {"system/addresses.txt", "addresses", {"ip", "address"}},
      {"system/routes.txt", "routes, IPv4", {"ip", "route", "show", "table", "all"}},
      {"system/routes6.txt", "routes, IPv6", {"ip", "-6", "route", "show", "table", "all"}},
      {"system/memberships.txt", "multicast memberships", {"ip", "maddress"}},
      {"system/sockets.txt", "sockets", {"ss", "-tulnp"}},
      {"system/sysctl.txt", "kernel's settings of networks", {"sysctl", "net.core", "net.ipv4"}},
      {"system/disks.txt", "disks", {"df", "-hT"}},
      {"system/inodes.txt", "inodes", {"df", "-i"}},
      {"system/processes.txt",
       "processes",
       {"ps", "-eo", "pid,ppid,user,stat,pcpu,rss,nlwp,etime,comm"}},
      {"system/clock.txt", "clock", {"timedatectl"}},
      {"system/kernel_log.txt", "kernel's log", {"dmesg", "--level", "emerg,alert,crit,err,warn"}},
      {"logs/strata-manager.txt",
       "journal of the manager",
       {"journalctl", "-u", "strata-manager", "-n", kJournalLines, "--no-pager", "-o",
        "short-iso"}},
      {"logs/strata-engine.txt",
       "journal of the engine",
       {"journalctl", "-u", "strata-engine", "-n", kJournalLines, "--no-pager", "-o", "short-iso"}},
  };
}

void AddMachine(Collection& collection) {
  collection.Add("versions/strata.txt", "this program", std::string("strata ") + kVersion + "\n");
  collection.AddFile("versions/system.txt", "/etc/os-release");
  for (const Command& command : MachineCommands()) {
    collection.AddCommand(command.name, command.what, command.command);
  }
  collection.AddFile("system/limits.txt", "/proc/self/limits");
  collection.AddFile("system/memory.txt", "/proc/meminfo");
  collection.AddFile("system/cpus.txt", "/proc/cpuinfo");
  collection.AddFile("system/mounts.txt", "/proc/self/mounts");
}

const char* NameOf(Kind kind) {
  switch (kind) {
    case Kind::kManager:
      return "manager";
    case Kind::kEngine:
      return "engine";
    case Kind::kWitness:
      return "witness";
    case Kind::kCommand:
      return "cli";
  }
  return "";
}

StatusOr<std::string> FetchStatus(const Endpoint& endpoint, const std::string& target) {
  STRATA_ASSIGN_OR_RETURN(const HttpAnswer answer,
                          HttpGet(endpoint, target, kItemBytesMax, kStatusPatience));
  return (answer.status == 200 ? "" : "HTTP " + std::to_string(answer.status) + "\n") + answer.body;
}

// What there is of one settings file: itself, its process's status pages, nginx, the doctor.
void AddSubject(const std::string& path, const std::string& prefix, Collection& collection) {
  collection.AddFile("settings/" + prefix + ".yaml", path);
  const StatusOr<Subject> subject = doctor::ReadSubject(path);
  if (!subject.ok()) return;
  if (subject->status_listen) {
    const std::string where = "http://" + ToString(*subject->status_listen);
    for (const std::string page : {"metrics", "healthz"}) {
      collection.Add("status/" + prefix + "-" + page + ".txt", where + "/" + page,
                     FetchStatus(*subject->status_listen, "/" + page));
    }
  }
  if (!subject->nginx_program.empty()) {
    collection.AddCommand("nginx/version.txt", "nginx", {subject->nginx_program, "-V"});
    collection.AddFile("nginx/nginx.conf", subject->data_folder + "/nginx/nginx.conf");
    collection.AddFile("logs/nginx-error.txt", subject->data_folder + "/log/error.log",
                       Collection::Keep::kEnd);
  }
  std::ostringstream text;
  const Terminal plain{.out = text, .err = text};
  const StatusOr<doctor::Report> report = doctor::Examine(path);
  collection.Add("doctor/" + prefix + ".txt", "strata doctor " + path,
                 report.ok() ? StatusOr<std::string>(doctor::Render(*report, plain))
                             : StatusOr<std::string>(report.status()));
}

// The answer of a verb as JSON, or what it said instead.
StatusOr<std::string> AnswerOf(const std::function<ExitCode(Terminal&)>& verb) {
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{.out = out, .err = err};
  terminal.json = true;
  const ExitCode code = verb(terminal);
  if (code == ExitCode::kOk || code == ExitCode::kNotComplete) return out.str() + err.str();
  const bool nobody = code == ExitCode::kUnreachable;
  return MakeStatus(nobody ? StatusCode::kUnavailable : StatusCode::kUnknown, err.str());
}

void AddFarm(const BundleOptions& options, Collection& collection) {
  const StatusOr<std::unique_ptr<ManagerClient>> opened = options.open_manager();
  if (!opened.ok()) {
    collection.Add("farm", "the farm, from its managers", opened.status());
    return;
  }
  ManagerClient& manager = **opened;
  using Verb = std::function<ExitCode(Terminal&)>;
  const std::array<std::pair<const char*, Verb>, 5> verbs = {
      {{"farm/show.json", [&](Terminal& terminal) { return ShowFarm(terminal, manager); }},
       {"farm/managers.json", [&](Terminal& terminal) { return ListManagers(terminal, manager); }},
       {"farm/verify.json", [&](Terminal& terminal) { return VerifyFarm(terminal, manager); }},
       {"farm/sites.json", [&](Terminal& terminal) { return ListSites(terminal, manager); }},
       {"farm/events.json", [&](Terminal& terminal) {
          return ShowEvents(terminal, manager, {.recent = kEvents, .follow = false});
        }}}};
  for (const auto& [name, verb] : verbs) {
    const StatusOr<std::string> answer = AnswerOf(verb);
    collection.Add(name, "what the manager answers", answer);
    // Who does not answer one question does not answer the others.
    if (!answer.ok() && answer.status().code() == StatusCode::kUnavailable) return;
  }
}

// "strata-debug-HOST-20261120T180405Z"
std::string NameOfBundle() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  std::string time = ReadableTime(WallClockMillis()).substr(0, 19);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  if (time.size() > 8) time[8] = 'T';
  return "strata-debug-" + std::string(host.data()) + "-" + time + "Z";
}

Status Write(const std::string& path, const std::string& folder, const Collection& collection) {
  STRATA_ASSIGN_OR_RETURN(const std::unique_ptr<ArchiveWriter> archive, ArchiveWriter::Open(path));
  const int64_t now_s = WallClockSeconds();
  STRATA_RETURN_IF_ERROR(archive->Add(folder + "/index.txt", collection.Index(), now_s));
  for (const Collection::Item& item : collection.items()) {
    if (item.content.empty() && !item.problem.empty()) continue;
    STRATA_RETURN_IF_ERROR(archive->Add(folder + "/" + item.name, item.content, now_s));
  }
  return archive->Finish();
}

}  // namespace

ExitCode MakeBundle(Terminal& terminal, const BundleOptions& options) {
  const std::string folder = NameOfBundle();
  const std::string out = options.out.empty() ? folder + ".tar.gz" : options.out;
  Collection collection;
  AddMachine(collection);
  std::array<int, 4> seen{};
  for (const std::string& path : options.settings) {
    const StatusOr<Subject> subject = doctor::ReadSubject(path);
    const Kind kind = subject.ok() ? subject->settings.kind : Kind::kCommand;
    int& count = seen.at(static_cast<size_t>(kind));
    const std::string number = ++count == 1 ? "" : "-" + std::to_string(count);
    AddSubject(path, NameOf(kind) + number, collection);
  }
  AddFarm(options, collection);
  const Status written = Write(out, folder, collection);
  if (!written.ok()) return Fail(terminal, written);
  if (terminal.json) {
    terminal.out << JsonLineOf({{"file", out}});
    return ExitCode::kOk;
  }
  terminal.out << "Wrote " << Printable(out) << ". Its index.txt says what is in it and what was "
               << "not to be had; secrets are left out.\nNames of hosts, sites and contents are in "
               << "it: look through it before you hand it on.\n";
  return ExitCode::kOk;
}

}  // namespace strata::cli::bundle

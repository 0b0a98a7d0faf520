#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "cli/doctor/judge.h"
#include "cli/readable.h"

namespace strata::cli::doctor {
namespace {

using Findings = std::vector<Finding>;

constexpr int64_t kSurelyPastS = 1'700'000'000;  // Strata is younger.

// Where bytes are gone at a restart, or come over a network.
constexpr std::array<std::string_view, 3> kForgetful = {"tmpfs", "ramfs", "overlay"};
constexpr std::array<std::string_view, 6> kRemote = {"nfs", "cifs", "fuse", "9p", "ceph", "afs"};

template <size_t kSize>
bool IsOneOf(std::string_view kind, const std::array<std::string_view, kSize>& kinds) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

void JudgeSkew(const ManagerFacts& manager, Findings& findings) {
  if (!manager.ahead_s) return;
  const double off = std::max(0.0, std::abs(*manager.ahead_s) - manager.unsure_s);
  const std::string found =
      "this clock is " + ReadableSeconds(std::abs(*manager.ahead_s)) +
      (*manager.ahead_s < 0 ? " behind that of manager " : " ahead of that of manager ") +
      manager.address;
  if (off <= kSkewWarnS) {
    findings.push_back({Level::kOk, "clock", found, ""});
    return;
  }
  findings.push_back({off > kSkewFailS ? Level::kFail : Level::kWarn, "clock", found,
                      "let both keep time (apt install chrony): certificates and the lifetimes of "
                      "copies go by it"});
}

void JudgeFolderUse(const FolderFacts& folder, const std::string& what, Findings& findings) {
  if (!folder.exists) {
    findings.push_back(
        {folder.writable ? Level::kWarn : Level::kFail, "disk",
         what + " is not there" +
             (folder.writable ? " yet"
                              : ", and " + folder.user + " cannot make it: " + folder.problem),
         folder.writable ? "the program makes it when it starts"
                         : "mkdir " + folder.path + " and chown it to " + folder.user});
  } else if (folder.read_only) {
    findings.push_back({Level::kFail, "disk", what + " is on a file system that is read-only",
                        "is the disk failing? dmesg tells; mount it anew to be written to"});
  } else if (!folder.writable) {
    findings.push_back({Level::kFail, "disk",
                        folder.user + " cannot write to " + what + ": " + folder.problem,
                        "chown -R " + folder.user + ": " + folder.path});
  }
}

bool IsNearlyFull(uint64_t free, uint64_t total) {
  return total != 0 && static_cast<double>(free) < kFreeWarn * static_cast<double>(total);
}

void JudgeRoom(const FolderFacts& folder, const std::string& what, Findings& findings) {
  const std::string free = ReadableBytes(folder.bytes_free) + " of " + ReadableBytes(folder.bytes);
  if (folder.bytes_free < kFreeFailBytes) {
    findings.push_back({Level::kFail, "disk", what + " is full: " + free + " free",
                        "make room, or give it a disk of its own"});
  } else if (folder.bytes_wanted > folder.bytes) {
    findings.push_back({Level::kFail, "disk",
                        what + " may grow to " + ReadableBytes(folder.bytes_wanted) +
                            ", and its disk has " + ReadableBytes(folder.bytes),
                        "lower nginx.cache_size, or take a bigger disk"});
  } else if (folder.bytes_wanted > folder.bytes_free + folder.bytes_kept) {
    findings.push_back({Level::kWarn, "disk",
                        what + " may grow to " + ReadableBytes(folder.bytes_wanted) +
                            ", and there is room for " +
                            ReadableBytes(folder.bytes_free + folder.bytes_kept),
                        "lower nginx.cache_size, or make room on its disk"});
  } else if (IsNearlyFull(folder.bytes_free, folder.bytes)) {
    findings.push_back(
        {Level::kWarn, "disk", what + " is nearly full: " + free + " free", "make room soon"});
  }
  if (IsNearlyFull(folder.inodes_free, folder.inodes)) {
    findings.push_back({Level::kWarn, "disk",
                        what + " can take only " + ReadableCount(folder.inodes_free) +
                            " more files, however small",
                        "a file system with more inodes (mkfs.ext4 -i, or xfs)"});
  }
}

void JudgeKind(const FolderFacts& folder, const std::string& what, Findings& findings) {
  if (IsOneOf(folder.kind, kRemote)) {
    findings.push_back(
        {Level::kWarn, "disk", what + " is on " + folder.kind + ", across a network",
         "use a local disk: what was acknowledged has to be there after a power cut"});
  } else if (IsOneOf(folder.kind, kForgetful) && folder.setting == "data_folder") {
    findings.push_back(
        {Level::kWarn, "disk",
         what + " is on " + folder.kind + ", which a restart of the machine may empty",
         "use a disk: sites, registrations and the group's state are kept there"});
  }
}

std::string AdviceForFiles(const LimitFacts& limits) {
  return limits.running ? "LimitNOFILE=524288 by systemctl edit of its service"
                        : "ulimit -n 524288 before it is started; the packages' services have it";
}

void JudgeBuffers(const LimitFacts& limits, Findings& findings) {
  if (limits.may_force_buffers) return;
  const bool small_in = limits.receive_buffer_max < kReceiveBuffer;
  const bool small_out = limits.send_buffer_max < kSendBuffer;
  if (!small_in && !small_out) return;
  findings.push_back({Level::kWarn, "limits",
                      "socket buffers are at most " + ReadableBytes(limits.receive_buffer_max) +
                          " in and " + ReadableBytes(limits.send_buffer_max) +
                          " out: bursts of multicast may be lost",
                      "sysctl -w net.core.rmem_max=8388608 net.core.wmem_max=4194304, and in "
                      "/etc/sysctl.d for the next start"});
}

}  // namespace

void JudgeClock(const Facts& facts, Findings& findings) {
  if (!facts.clock) return;
  if (facts.clock->now_s < kSurelyPastS) {
    findings.push_back({Level::kFail, "clock",
                        "this clock says " + ReadableTime(facts.clock->now_s * 1000),
                        "set it, and let it keep time: apt install chrony"});
  } else if (facts.clock->synchronised == false) {
    findings.push_back({Level::kWarn, "clock", "nothing keeps this clock right",
                        "apt install chrony, or timedatectl set-ntp true"});
  } else {
    findings.push_back({Level::kOk, "clock",
                        facts.clock->synchronised ? "kept right by the kernel's account"
                                                  : "whether anything keeps it right is unknown",
                        ""});
  }
  for (const ManagerFacts& manager : facts.managers) JudgeSkew(manager, findings);
}

void JudgeFolders(const Facts& facts, Findings& findings) {
  for (const FolderFacts& folder : facts.folders) {
    const size_t before = findings.size();
    const std::string what = folder.setting + " " + folder.path;
    JudgeFolderUse(folder, what, findings);
    if (folder.bytes != 0) {
      JudgeRoom(folder, what, findings);
      JudgeKind(folder, what, findings);
    }
    if (findings.size() != before) continue;
    findings.push_back({Level::kOk, "disk",
                        what + ": " + ReadableBytes(folder.bytes_free) + " of " +
                            ReadableBytes(folder.bytes) + " free, " + folder.kind,
                        ""});
  }
}

void JudgeLimits(const Facts& facts, Findings& findings) {
  if (!facts.limits) return;
  const LimitFacts& limits = *facts.limits;
  const size_t before = findings.size();
  const std::string files = limits.whose + " may open " + ReadableCount(limits.open_files_max) +
                            " files" +
                            (limits.running ? ", and has " + ReadableCount(limits.open_files) : "");
  const bool almost = limits.running && limits.open_files * 10 >= limits.open_files_max * 9;
  if (limits.open_files_max <= kOpenFilesFail || almost) {
    findings.push_back({Level::kFail, "limits", files, AdviceForFiles(limits)});
  } else if (limits.open_files_max < kOpenFilesWarn) {
    findings.push_back({Level::kWarn, "limits", files, AdviceForFiles(limits)});
  }
  if (limits.threads != 0 && limits.threads < kThreadsWarn) {
    findings.push_back(
        {Level::kWarn, "limits",
         "the user of " + limits.whose + " may have " + ReadableCount(limits.threads) + " threads",
         "LimitNPROC=infinity by systemctl edit, or ulimit -u"});
  }
  JudgeBuffers(limits, findings);
  if (limits.listen_backlog_max < kBacklogWarn) {
    findings.push_back({Level::kWarn, "limits",
                        "only " + ReadableCount(limits.listen_backlog_max) +
                            " connections may wait to be accepted: a rush of clients is refused",
                        "sysctl -w net.core.somaxconn=4096"});
  }
  if (findings.size() == before) findings.push_back({Level::kOk, "limits", files, ""});
}

void JudgeNginx(const Facts& facts, Findings& findings) {
  if (!facts.nginx) return;
  const NginxFacts& nginx = *facts.nginx;
  if (!nginx.runs) {
    findings.push_back({Level::kFail, "nginx", nginx.program + ": " + nginx.problem,
                        "apt install nginx-light, or say where it is in nginx.program"});
    return;
  }
  const size_t before = findings.size();
  for (const std::string& module : nginx.missing_modules) {
    findings.push_back({Level::kFail, "nginx", nginx.program + " was built without " + module,
                        "Debian's packages have it: apt install nginx-light"});
  }
  if (findings.size() == before) {
    findings.push_back({Level::kOk, "nginx", nginx.program + " is " + nginx.version, ""});
  }
}

}  // namespace strata::cli::doctor

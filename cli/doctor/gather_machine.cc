#include <linux/capability.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <sstream>
#include <utility>

#include "cli/command_output.h"
#include "cli/doctor/as_user.h"
#include "cli/doctor/gather.h"
#include "cli/doctor/processes.h"
#include "common/file.h"
#include "common/wall_clock.h"

namespace strata::cli::doctor {
namespace {

namespace fs = std::filesystem;

constexpr size_t kProcBytesMax = 1 << 20;
constexpr size_t kFilesCountedMax = 1'000'000;

// What of a managed nginx's configuration Debian's smallest nginx has, and a home-made one may not.
constexpr std::array<const char*, 1> kModules = {"http_stub_status_module"};

constexpr std::array<std::pair<uint64_t, const char*>, 17> kKinds = {{{0xEF53, "ext4"},
                                                                      {0x58465342, "xfs"},
                                                                      {0x9123683E, "btrfs"},
                                                                      {0x2FC12FC1, "zfs"},
                                                                      {0xF2F52010, "f2fs"},
                                                                      {0xCA451A4E, "bcachefs"},
                                                                      {0x01021994, "tmpfs"},
                                                                      {0x858458F6, "ramfs"},
                                                                      {0x794C7630, "overlay"},
                                                                      {0x6969, "nfs"},
                                                                      {0xFF534D42, "cifs"},
                                                                      {0xFE534D42, "cifs"},
                                                                      {0x65735546, "fuse"},
                                                                      {0x01021997, "9p"},
                                                                      {0x00C36400, "ceph"},
                                                                      {0x5346414F, "afs"},
                                                                      {0x4D44, "vfat"}}};

std::string KindOf(const std::string& path) {
  struct statfs info {};
  if (statfs(path.c_str(), &info) != 0) return "";
  const auto magic = static_cast<uint64_t>(info.f_type) & 0xFFFFFFFF;
  for (const auto& [number, name] : kKinds) {
    if (number == magic) return name;
  }
  return "another file system";
}

uint64_t BytesBelow(const std::string& folder) {
  uint64_t bytes = 0;
  size_t files = 0;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && at != fs::recursive_directory_iterator() && files < kFilesCountedMax; ++files) {
    std::error_code gone;
    if (at->is_regular_file(gone) && !gone) {
      const uint64_t size = at->file_size(gone);
      if (!gone) bytes += size;
    }
    at.increment(error);
  }
  return bytes;
}

// The folder itself, or the closest one above it that is there.
std::string ClosestThere(const std::string& path) {
  fs::path at(path);
  std::error_code error;
  while (!fs::exists(at, error) && at.has_parent_path() && at != at.parent_path()) {
    at = at.parent_path();
  }
  return at.empty() ? "." : at.string();
}

uint64_t NumberIn(const std::string& path) {
  const auto text = ReadFile(path, kProcBytesMax);
  uint64_t value = 0;
  if (text.ok()) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

// Of a line such as "CapEff:\t0000000000001000".
bool HasNetAdmin(const std::string& status) {
  const size_t at = status.find("CapEff:\t");
  if (at == std::string::npos) return false;
  uint64_t set = 0;
  std::from_chars(status.data() + at + 8, status.data() + status.size(), set, 16);
  return (set & (uint64_t{1} << CAP_NET_ADMIN)) != 0;
}

std::string TextOf(const std::string& path) {
  const auto text = ReadFile(path, kProcBytesMax);
  return text.ok() ? *text : "";
}

uint64_t FilesIn(const std::string& folder) {
  std::error_code error;
  uint64_t files = 0;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    ++files;
  }
  return files;
}

}  // namespace

ClockFacts GatherClock() {
  ClockFacts facts{.synchronised = std::nullopt, .now_s = WallClockSeconds()};
  timex state{};  // No modes: it only asks.
  const int verdict = adjtimex(&state);
  if (verdict >= 0) facts.synchronised = verdict != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
  return facts;
}

FolderFacts GatherFolder(const Subject::Folder& folder, const std::string& user) {
  FolderFacts facts{.setting = folder.setting, .path = folder.path, .user = user};
  facts.bytes_wanted = folder.bytes_wanted;
  std::error_code error;
  facts.exists = fs::is_directory(folder.path, error);
  const std::string there = facts.exists ? folder.path : ClosestThere(folder.path);
  struct statvfs info {};
  if (statvfs(there.c_str(), &info) == 0) {
    facts.bytes = uint64_t{info.f_blocks} * info.f_frsize;
    facts.bytes_free = uint64_t{info.f_bavail} * info.f_frsize;
    facts.inodes = info.f_files;
    facts.inodes_free = info.f_favail;
    facts.read_only = (info.f_flag & ST_RDONLY) != 0;
  }
  facts.kind = KindOf(there);
  if (folder.bytes_wanted != 0 && facts.exists) facts.bytes_kept = BytesBelow(folder.path);
  const AsUser as(user);
  const int problem = MayWrite(there);
  facts.writable = problem == 0;
  if (problem != 0) facts.problem = strerror(problem);
  return facts;
}

LimitFacts GatherLimits(const Subject& subject) {
  const std::optional<pid_t> service = FindService(subject.settings.path);
  const std::string process = "/proc/" + (service ? std::to_string(*service) : "self");
  const std::string limits = TextOf(process + "/limits");
  LimitFacts facts;
  facts.whose = service ? Describe(*service) : "a process that this shell starts";
  facts.running = service.has_value();
  facts.open_files = service ? FilesIn(process + "/fd") : 0;
  facts.open_files_max = ParseLimit(limits, "Max open files").value_or(UINT64_MAX);
  facts.threads = ParseLimit(limits, "Max processes").value_or(0);
  facts.receive_buffer_max = NumberIn("/proc/sys/net/core/rmem_max");
  facts.send_buffer_max = NumberIn("/proc/sys/net/core/wmem_max");
  facts.listen_backlog_max = NumberIn("/proc/sys/net/core/somaxconn");
  facts.may_force_buffers = service && HasNetAdmin(TextOf(process + "/status"));
  return facts;
}

NginxFacts GatherNginx(const std::string& program) {
  NginxFacts facts{.program = program};
  const StatusOr<CommandOutput> said =
      RunCommand({program, "-V"}, kProcBytesMax, std::chrono::seconds(5));
  if (!said.ok() || said->status != 0) {
    facts.problem =
        said.ok() ? said->text.substr(0, said->text.find('\n')) : MessageOf(said.status());
    return facts;
  }
  facts.runs = true;
  const size_t at = said->text.find("nginx/");
  if (at != std::string::npos) {
    std::istringstream(said->text.substr(at + 6)) >> facts.version;
  }
  for (const char* module : kModules) {
    if (said->text.find(module) == std::string::npos) facts.missing_modules.emplace_back(module);
  }
  return facts;
}

}  // namespace strata::cli::doctor

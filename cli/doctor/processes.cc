#include "cli/doctor/processes.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <sstream>

#include "common/file.h"

namespace strata::cli::doctor {
namespace {

namespace fs = std::filesystem;

constexpr size_t kProcBytesMax = 8 << 20;
constexpr int kGenerationsMax = 64;
constexpr const char* kListening = "0A";

std::string ReadProc(const std::string& path) {
  const auto text = ReadFile(path, kProcBytesMax);
  return text.ok() ? *text : "";
}

template <class Number>
std::optional<Number> Parsed(std::string_view text, int base) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<pid_t> AllPids() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (fs::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    const auto pid = Parsed<pid_t>(at->path().filename().string(), 10);
    if (pid) pids.push_back(*pid);
  }
  return pids;
}

std::vector<std::string> ArgumentsOf(pid_t pid) {
  std::istringstream line(ReadProc("/proc/" + std::to_string(pid) + "/cmdline"));
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(line, argument, '\0');) arguments.push_back(argument);
  return arguments;
}

bool IsSameFile(const std::string& path, const std::string& other, pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/cwd/";
  std::error_code error;
  const bool same = fs::equivalent(path, other.starts_with("/") ? other : folder + other, error);
  return same && !error;
}

bool HoldsSocket(pid_t pid, uint64_t inode) {
  const std::string wanted = "socket:[" + std::to_string(inode) + "]";
  std::error_code error;
  fs::directory_iterator at("/proc/" + std::to_string(pid) + "/fd", error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    std::error_code gone;
    if (fs::read_symlink(at->path(), gone).string() == wanted) return true;
  }
  return false;
}

// 0100007F:1F90 or 32 digits: words as this machine has them in memory.
std::optional<Endpoint> ParseEndpoint(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  std::array<uint8_t, 16> bytes{};
  for (size_t word = 0; word < colon / 8; ++word) {
    const auto value = Parsed<uint32_t>(std::string_view(text).substr(word * 8, 8), 16);
    if (!value) return std::nullopt;
    memcpy(bytes.data() + word * 4, &*value, 4);
  }
  const auto port = Parsed<uint16_t>(std::string_view(text).substr(colon + 1), 16);
  if (!port) return std::nullopt;
  return Endpoint{.ip = colon == 8 ? IpAddress::V4(bytes[0], bytes[1], bytes[2], bytes[3])
                                   : IpAddress::V6(bytes),
                  .port = *port};
}

bool Collide(const Endpoint& held, const Endpoint& wanted) {
  if (held.port != wanted.port) return false;
  // gRPC listens at IPv4 addresses as IPv6 ones that map them.
  return held.ip.Unmapped() == wanted.ip.Unmapped() || held.ip.IsUnspecified() ||
         wanted.ip.IsUnspecified();
}

}  // namespace

std::optional<pid_t> FindService(const std::string& settings_path) {
  for (const pid_t pid : AllPids()) {
    if (pid == getpid()) continue;
    const std::vector<std::string> arguments = ArgumentsOf(pid);
    const auto flag = std::find(arguments.begin(), arguments.end(), "--config");
    // A service's, not that of a command such as this one, whose verbs stand in front.
    if (flag == arguments.end() || flag + 1 == arguments.end()) continue;
    const bool is_service = std::all_of(arguments.begin() + 1, flag,
                                        [](const std::string& word) { return word[0] == '-'; });
    if (is_service && flag + 2 == arguments.end() && IsSameFile(settings_path, *(flag + 1), pid)) {
      return pid;
    }
  }
  return std::nullopt;
}

bool IsBelow(pid_t pid, pid_t ancestor) {
  for (int i = 0; i < kGenerationsMax && pid > 1; ++i) {
    if (pid == ancestor) return true;
    const std::string stat = ReadProc("/proc/" + std::to_string(pid) + "/stat");
    // PID (NAME) STATE PARENT: the name may have anything in it.
    const size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos || stat.size() < name_end + 4) return false;
    const std::string rest = stat.substr(name_end + 4);
    pid = Parsed<pid_t>(rest.substr(0, rest.find(' ')), 10).value_or(0);
  }
  return false;
}

std::string Describe(pid_t pid) {
  std::string name = ReadProc("/proc/" + std::to_string(pid) + "/comm");
  if (!name.empty() && name.back() == '\n') name.pop_back();
  return (name.empty() ? "a program" : name) + " (pid " + std::to_string(pid) + ")";
}

std::vector<Listener> ParseListeners(const std::string& text) {
  std::vector<Listener> listeners;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);  // Titles.
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string number, local, remote, state, queues, timer, resent, uid, timeout, inode;
    fields >> number >> local >> remote >> state >> queues >> timer >> resent >> uid >> timeout >>
        inode;
    const std::optional<Endpoint> endpoint = ParseEndpoint(local);
    const std::optional<uint64_t> socket = Parsed<uint64_t>(inode, 10);
    if (state == kListening && endpoint && socket) {
      listeners.push_back({.endpoint = *endpoint, .inode = *socket});
    }
  }
  return listeners;
}

std::optional<pid_t> HolderOf(const Endpoint& endpoint) {
  std::vector<Listener> listeners;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    for (const Listener& listener : ParseListeners(ReadProc(table))) {
      if (Collide(listener.endpoint, endpoint)) listeners.push_back(listener);
    }
  }
  if (listeners.empty()) return std::nullopt;
  for (const pid_t pid : AllPids()) {
    for (const Listener& listener : listeners) {
      if (HoldsSocket(pid, listener.inode)) return pid;
    }
  }
  return std::nullopt;
}

std::optional<uint64_t> ParseLimit(const std::string& limits, const std::string& name) {
  const size_t at = limits.find(name);
  if (at == std::string::npos) return std::nullopt;
  std::istringstream rest(limits.substr(at + name.size()));
  std::string soft;
  rest >> soft;
  return Parsed<uint64_t>(soft, 10);
}

}  // namespace strata::cli::doctor

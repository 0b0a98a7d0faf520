#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What `strata doctor` found out about this machine, before anybody judges it. Plain values.

namespace strata::cli::doctor {

// Whose settings file it is.
enum class Kind : uint8_t { kManager, kEngine, kWitness, kCommand };

struct SettingsFacts {
  Kind kind = Kind::kCommand;
  std::string path{};
  std::string error{};  // All that is wrong with the file; empty: it can be read, and is good.
};

struct ClockFacts {
  std::optional<bool> synchronised{};  // By the kernel's own account.
  int64_t now_s = 0;                   // Since 1970.
};

// A file that a process of the settings' user has to read.
struct FileFacts {
  std::string setting{};  // "tls.key"
  std::string path{};
  bool exists = false;
  bool readable = false;  // By that user.
  std::string problem{};  // What the system says.
};

struct CertificateFacts {
  std::vector<FileFacts> files{};
  std::string user{};     // Who has to read them.
  std::string problem{};  // Why the files cannot be used, as the process itself would say it.
  std::string owner{};    // "manager sm-1 of cdn-one/lan-a"
  std::string role{};     // "manager"; empty: there is no certificate that could be read.
  int64_t not_before_s = 0;
  int64_t not_after_s = 0;
  std::optional<int64_t> authority_not_after_s{};
  bool has_revocations = false;  // The settings name a list.
  size_t revoked = 0;
};

struct PortFacts {
  enum class State : uint8_t {
    kFree,
    kOurs,     // Held by the process that these settings are for.
    kTaken,    // By another one.
    kHeld,     // By somebody whom this user may not see.
    kUnusable  // This machine cannot listen there.
  };
  std::string setting{};  // "rpc_listen"
  std::string endpoint{};
  State state = State::kFree;
  std::string holder{};   // "nginx (pid 812)"
  std::string problem{};  // What the system says.
};

// What the process's own /healthz says.
struct StatusFacts {
  std::string endpoint{};
  bool answers = false;
  bool healthy = false;
  std::string says{};  // Its first line.
};

struct ManagerFacts {
  std::string address{};
  bool answers = false;
  bool refused = false;             // It answers, and does not want this certificate.
  std::string problem{};            // Why it does not answer, in words for people.
  std::string says{};               // What there is to know of its answer.
  std::optional<double> ahead_s{};  // Of this machine's clock.
  double unsure_s = 0;              // By so much that can be wrong.
};

struct MulticastFacts {
  std::string interface {};
  bool exists = false;
  bool up = false;
  bool loopback = false;  // lo itself.
  uint32_t mtu = 0;
  std::vector<std::string> addresses{};
  std::string problem{};      // Why nothing can be said of it.
  std::string own_address{};  // As configured; empty: any.
  bool own_address_there = true;
  // A bridge without a querier that drops what nobody asked for.
  std::string mute_bridge{};

  struct Family {
    std::string name{};   // "IPv4"
    bool wanted = false;  // The farm's group is of it.
    bool has_address = false;
    std::string problem{};   // Why the test group could not be joined.
    bool own_heard = false;  // A packet of one's own came back.
  };
  std::vector<Family> families{};

  std::string group{};      // "239.255.83.1:7450"; empty: not known here.
  bool group_sure = false;  // It stands in the settings.
  struct Sender {
    std::string address{};
    uint64_t packets = 0;
  };
  std::vector<Sender> heard{};
  bool sealed = false;
  std::vector<std::string> probed{};  // Faults that probes of an open group found.
};

struct FolderFacts {
  std::string setting{};  // "data_folder"
  std::string path{};
  std::string user{};  // Who has to write there.
  bool exists = false;
  bool writable = false;
  bool read_only = false;  // The file system.
  std::string kind{};      // "ext4"
  uint64_t bytes = 0;
  uint64_t bytes_free = 0;
  uint64_t inodes = 0;  // 0: it has no such limit.
  uint64_t inodes_free = 0;
  uint64_t bytes_wanted = 0;  // What the settings allow to be kept there, in all.
  uint64_t bytes_kept = 0;    // Of those, there already.
  std::string problem{};
};

struct LimitFacts {
  std::string whose{};  // "strata-sm (pid 812)", or "this shell"
  bool running = false;
  uint64_t open_files = 0;
  uint64_t open_files_max = 0;
  uint64_t threads = 0;  // Of its user, at most; 0: any number.
  uint64_t receive_buffer_max = 0;
  uint64_t send_buffer_max = 0;
  uint64_t listen_backlog_max = 0;
  bool may_force_buffers = false;  // CAP_NET_ADMIN: the two above do not matter.
};

struct NginxFacts {
  std::string program{};
  bool runs = false;
  std::string problem{};
  std::string version{};  // "1.22.1"
  std::vector<std::string> missing_modules{};
};

struct Facts {
  SettingsFacts settings;
  std::optional<ClockFacts> clock{};
  std::optional<CertificateFacts> certificates{};
  std::vector<PortFacts> ports{};
  std::optional<StatusFacts> status{};
  std::vector<ManagerFacts> managers{};
  std::optional<MulticastFacts> multicast{};
  std::vector<FolderFacts> folders{};
  std::optional<LimitFacts> limits{};
  std::optional<NginxFacts> nginx{};
};

}  // namespace strata::cli::doctor

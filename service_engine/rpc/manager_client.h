#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/bytes.h"
#include "common/status.h"
#include "common/tls/tls_files.h"
#include "farm/content_key.h"
#include "farm/engine.h"
#include "farm/load_factor.h"
#include "farm/member/group_place.h"
#include "farm/rpc/refusal.h"
#include "multicast/driver/key_file.h"

namespace strata::engine::rpc {

// What a manager gives an engine that registers.
struct Registration {
  farm::EngineId id{};
  uint64_t number = 0;
  std::string scope;
  farm::GroupPlace group;
  farm::LoadWeights weights;
};

// What a manager says to an engine that it knows.
struct Renewal {
  std::vector<multicast::GroupKey> keys;     // All that are good now.
  std::optional<farm::LoadWeights> weights;  // Nothing: as they were told before.
  uint64_t differed_at = 0;                  // As in proto/manager.proto.
};

// What engines and manager say to each other while an engine is drained: proto/manager.proto,
// ExchangeCopies.
struct PreparedCopy {
  farm::ContentKey key;
  std::string problem;  // Empty: the rest counts.
  std::string uri;
  uint64_t size = 0;
  std::array<uint8_t, 32> sha256{};
  uint64_t purge_position = 0;
};
struct CopyDone {
  farm::ContentKey key;
  std::string problem;  // Empty: done.
};
struct CopyReport {
  bool takes = false;
  uint64_t free_bytes = 0;
  std::vector<PreparedCopy> prepared;
  std::vector<CopyDone> done;
};
struct CopyOrder {
  farm::ContentKey key;
  farm::EngineId source{};
  std::string uri;
  uint64_t size = 0;
  std::array<uint8_t, 32> sha256{};
  uint64_t purge_position = 0;
};
struct CopyWork {
  std::vector<farm::ContentKey> prepare;
  std::vector<CopyOrder> copies;
};

// Of each manager; beyond them the oldest are forgotten.
inline constexpr size_t kUrisWaitingMax = 100'000;

// Calls the farm's managers (proto/manager.proto, Registration), one after the other until one can
// answer: Unavailable is no answer, be it that nobody is there or that this one does not lead the
// farm. The next call begins with the one that answered. One thread at a time; each call waits at
// most a few seconds for each manager. A manager's refusal has its code and words: Unauthenticated
// and PermissionDenied mean the certificate, FailedPrecondition that the programs do not fit,
// AlreadyExists another process of this name. At a registration Unauthenticated also means that the
// engine believes no manager's certificate.
class ManagerClient {
 public:
  ManagerClient(std::vector<std::string> managers, std::shared_ptr<const tls::TlsStore> tls);
  ~ManagerClient();

  // `instance`: 16 random bytes of this start of the process. `info`: its id does not count.
  // `purged`: how far each site's purge log was followed.
  StatusOr<Registration> Register(const farm::EngineInfo& info, ByteSpan instance,
                                  const std::map<std::string, uint64_t>& purged = {});
  // The place that this engine had, while nobody leads whom it could register at; its number is 0.
  // Errors as of farm::rpc::PlaceFinder.
  StatusOr<Registration> FindPlace(farm::EngineId id, uint64_t group_id);
  // NotFound or FailedPrecondition: register again.
  StatusOr<Renewal> Renew(ByteSpan instance, uint64_t registration);
  // Canonical URIs, at most 10,000, for every manager: each keeps its own. What some of them could
  // not be told waits for them, kUrisWaitingMax for each; if none could be told any, nothing waits,
  // and the caller tells them again.
  Status TellUris(const std::vector<std::string>& uris);
  // Those that wait, to managers that are there again.
  void TellWaitingUris();
  // Unavailable: no manager that leads is there.
  StatusOr<CopyWork> ExchangeCopies(const CopyReport& report);

  // Managers that the one that leads named when a registration was renewed last; by any thread.
  std::vector<std::string> named() const;
  // These, HOST:PORT, are managers too.
  void Learn(const std::vector<std::string>& managers);

  // Ends the call that goes on, and refuses those that come; by any thread. The process is to end.
  void Stop();

 private:
  class Channels;
  struct Waiting;

  bool TellOne(size_t manager, const std::vector<std::string>& uris, Status& failure);

  std::unique_ptr<Channels> channels_;  // With the PlaceFinder on them.
  std::vector<Waiting> waiting_;        // Of each manager.
  mutable absl::Mutex mutex_;
  std::vector<std::string> named_ ABSL_GUARDED_BY(mutex_);
};

using farm::rpc::IsRefusal;

}  // namespace strata::engine::rpc

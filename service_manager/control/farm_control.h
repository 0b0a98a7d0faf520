#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/random.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/director.h"
#include "farm/member/farm_member.h"
#include "service_manager/control/audit_log.h"
#include "service_manager/control/confirmations.h"
#include "service_manager/control/digest_watch.h"
#include "service_manager/control/directory_feed.h"
#include "service_manager/control/event_log.h"
#include "service_manager/control/key_rotation.h"
#include "service_manager/control/purge_journal.h"
#include "service_manager/control/registrar.h"
#include "service_manager/control/site_desk.h"
#include "service_manager/control/work_queue.h"

namespace strata::manager::control {

// The managers' ids in the farm's group; engines have those from 101 on.
inline constexpr uint32_t kManagerId = 1;

// How often the members' states are compared without anybody asking for it.
inline constexpr Duration kVerifyEvery = std::chrono::minutes(1);

struct FarmControlOptions {
  std::string scope;
  std::string name;               // Of this manager.
  multicast::GroupOptions group;  // Without id and keys, which the store has.
  farm::TableSettings table;
  farm::DirectorSettings director;  // At the start; the weights are those of all members.
  bool encrypted = true;
  Duration verify_every = kVerifyEvery;
};

// A Service Manager's part in its farm: makes it known what the store has, keeps the directory
// equal to the state table, and knows who is there. Orders are in orders.h.
//
// Owned by the application; any thread may call.
class FarmControl final : private farm::FarmListener {
 public:
  // Opens desks on the store, joins (or founds) the farm's group. Index and store must outlive it.
  static StatusOr<std::unique_ptr<FarmControl>> Start(FarmControlOptions options,
                                                      store::Store& store,
                                                      directory::LocationIndex& index,
                                                      RandomSource& random,
                                                      MetricRegistry& metrics);
  ~FarmControl() override;  // Leaves the group, stores what waits.

  const FarmControlOptions& options() const { return options_; }
  farm::FarmMember& member() { return *member_; }
  Registrar& registrar() { return *registrar_; }
  SiteDesk& sites() { return *sites_; }
  PurgeJournal& purges() { return purges_; }
  Confirmations& confirmations() { return confirmations_; }
  EventLog& events() { return events_; }
  AuditLog& audit() { return audit_; }
  DirectoryFeed& feed() { return *feed_; }
  store::Store& store() { return store_; }

  // Whether this manager may say things for the farm at the moment.
  bool leads() const;
  // Whether it leads and has heard a majority of the voters lately: else nothing may commit until
  // the others are evicted, or back.
  bool HasQuorum() const { return leads() && member_->InTouch(); }
  // Why the process should be looked at; ok if all is well.
  Status Health() const;
  bool joined() const;
  // Names of engines that held another state than this manager when it was compared last.
  std::vector<std::string> Differing() const;

  // How engines are chosen, and the weights that engines are told when they register and renew.
  std::shared_ptr<const farm::DirectorSettings> director() const;
  void SetDirector(farm::DirectorSettings settings);

  // A start of an engine, by its certificate's name. AlreadyExists: another process of that name is
  // alive. Returns when it is durable; the farm hears of it as soon as it can.
  StatusOr<Registrar::Engine> Register(const farm::EngineInfo& info, ByteSpan instance);
  // This manager's digest as of the question of this number; NotFound if it was not delivered here,
  // or long ago.
  StatusOr<DigestWatch::Own> DigestOf(uint64_t number) const;
  // How long an engine has been out of the group, as far as this manager can know.
  Duration AwayFor(farm::EngineId engine) const;
  // Tells the farm soon what the store has and its members have not.
  void Tell();
  // The group's key changes as quickly as it can: somebody is not to know it any longer.
  void RotateKeyAtOnce();
  // As Registrar::CheckRenewal; notes that this instance is alive. Gives the number of the last
  // question that showed that this engine's state differs; 0: it does not.
  StatusOr<uint64_t> Renew(const std::string& name, ByteSpan instance, uint64_t registration);

 private:
  FarmControl(FarmControlOptions options, store::Store& store, RandomSource& random,
              MetricRegistry& metrics);

  // ---- The group's thread.
  void OnMessage(const farm::Message& message, farm::EngineId origin) override;
  void OnView(const multicast::View& view, bool joined) override;
  void OnState() override;
  void OnRotateKey() override;

  // ---- The worker's thread.
  // Tells the farm what the store has and the replica has not.
  void TellStore();
  Status TellSites(const farm::SiteLedger& ledger);
  Status TellEngines(const std::vector<farm::Row>& rows);
  void ReconcileEngine(farm::EngineId engine);
  void Tick();
  void AskDigests();

  void OnDigestTold(const farm::DigestTold& told);
  void NoteView(const multicast::View& view);
  std::string NameOf(farm::EngineId engine) const;

  const FarmControlOptions options_;
  store::Store& store_;
  RandomSource& random_;  // Of the worker.
  std::unique_ptr<Registrar> registrar_;
  std::unique_ptr<SiteDesk> sites_;
  PurgeJournal purges_;
  AuditLog audit_;
  Confirmations confirmations_;
  EventLog events_;
  std::unique_ptr<DirectoryFeed> feed_;

  mutable absl::Mutex mutex_;
  bool leads_ ABSL_GUARDED_BY(mutex_) = false;
  bool joined_ ABSL_GUARDED_BY(mutex_) = false;
  const Timestamp started_;
  std::set<farm::EngineId> seen_ ABSL_GUARDED_BY(mutex_);             // Engines of the last view.
  std::map<farm::EngineId, Timestamp> left_ ABSL_GUARDED_BY(mutex_);  // Those of earlier ones.
  DigestWatch digests_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const farm::DirectorSettings> director_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Timestamp> renewed_ ABSL_GUARDED_BY(mutex_);  // By name of the engine.

  Counter& digests_asked_;
  Counter& digests_differing_;
  Gauge& differing_;
  Timestamp next_verification_;  // Of the worker.
  bool untold_ = false;          // Of the worker: TellStore has to be tried again.

  std::unique_ptr<farm::FarmMember> member_;
  std::unique_ptr<KeyRotation> rotation_;  // Of the worker. Null: the group is open.
  std::unique_ptr<WorkQueue> work_;        // Last: its thread uses everything.
};

}  // namespace strata::manager::control

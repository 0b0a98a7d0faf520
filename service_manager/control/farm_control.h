#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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
#include "service_manager/control/directory_feed.h"
#include "service_manager/control/engine_watch.h"
#include "service_manager/control/event_log.h"
#include "service_manager/control/key_rotation.h"
#include "service_manager/control/leadership.h"
#include "service_manager/control/manager_book.h"
#include "service_manager/control/purge_journal.h"
#include "service_manager/control/registrar.h"
#include "service_manager/control/restored_purges.h"
#include "service_manager/control/site_desk.h"
#include "service_manager/control/state_verifier.h"
#include "service_manager/control/store_teller.h"
#include "service_manager/control/succession.h"
#include "service_manager/control/work_queue.h"
#include "service_manager/store/mirrored_store.h"

namespace strata::manager::control {

struct FarmControlOptions {
  std::string scope;
  std::string name;               // Of this manager.
  std::string address;            // HOST:PORT where the others reach its RPC.
  multicast::GroupOptions group;  // Without ids and keys, which the store has.
  bool founds = true;             // A farm of its own, if the store is of none.
  uint32_t level = 1;             // Of the scope in the tree; above 1 it has no engines.
  // As Leadership's: the store is to follow whoever leads, by a new stream, or is not to.
  std::function<void(bool)> follow = [](bool) {};
  farm::TableSettings table;
  farm::DirectorSettings director;  // At the start; the weights are those of all members.
  bool encrypted = true;
  Duration verify_every = kVerifyEvery;
};

// A Service Manager's part in its farm: makes it known what the store has, keeps the directory
// equal to the state table, knows who is there, and leads when it is its turn. Orders are in
// orders.h.
//
// Owned by the application; any thread may call.
class FarmControl final : private farm::FarmListener {
 public:
  // Opens desks on the store, joins (or founds) the farm's group. Index and store must outlive it.
  // FailedPrecondition: the store is of no farm, and this manager founds none; or of one that does
  // not know this manager.
  static StatusOr<std::unique_ptr<FarmControl>> Start(FarmControlOptions options,
                                                      store::MirroredStore& store,
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
  ManagerBook& managers() { return managers_; }
  EventLog& events() { return events_; }
  AuditLog& audit() { return audit_; }
  DirectoryFeed& feed() { return *feed_; }
  Succession& succession() { return *succession_; }
  store::MirroredStore& store() { return store_; }

  // Whether this manager may say things for the farm at the moment.
  bool leads() const { return leadership_->leads(); }
  // In which term it does: higher than any before. Nothing: it does not lead.
  std::optional<uint64_t> term() const;
  // As Leadership's.
  Status CheckLeads() const { return leadership_->CheckLeads(); }
  // The same for what a sole manager may do in any case: to know its engines.
  Status CheckRegisters() const { return leadership_->is_sole() ? Ok() : CheckLeads(); }
  // The same for what nobody else may decide: an order that the others cannot hear of is refused.
  Status CheckOrders() const;
  std::string leader() const { return leadership_->leader(); }
  // Where the RPC of the farm's other managers is; the one that leads first.
  std::vector<std::string> OtherManagers() const;
  // The store has something new of the manager that leads. Quick; any thread.
  void OnIntentTaken();
  // The manager of that name, which leads or believes so, says that this one counts. Quick; any
  // thread.
  void OnCounts(const std::string& by);
  // The manager that leads offers this one the lead. Quick; any thread.
  void OnLeadOffered();
  // The process is to end: orders that are under way wait for nobody any more, and fail.
  void GiveUp();
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
  // Is told what the farm's members say, once it has counted, and, with null, that engines came or
  // went; on the group's thread: be quick. Null: nobody is told, from when it returns. Any thread
  // but the group's.
  void Observe(std::function<void(const farm::Message* message)> told);
  // As StateVerifier's.
  StatusOr<DigestWatch::Own> DigestOf(uint64_t number) const { return verifier_.DigestOf(number); }
  // As EngineWatch's.
  Duration AwayFor(farm::EngineId engine) const;
  // Tells the farm soon what the store has and its members have not.
  void Tell();
  // The group's key changes as quickly as it can: somebody is not to know it any longer.
  void RotateKeyAtOnce();
  // As Registrar::CheckRenewal; notes that this instance is alive. Gives what
  // StateVerifier::DifferedAt says of it.
  StatusOr<uint64_t> Renew(const std::string& name, ByteSpan instance, uint64_t registration);
  // This engine has followed a site's purge log up to there. After a restoration it may be further
  // than the backup: then the site's whole cache is ordered purged, durable when it returns.
  // True: it is, and was ordered.
  StatusOr<bool> OnPurgedUpTo(const std::string& engine, const std::string& site,
                              uint64_t position);

 private:
  FarmControl(FarmControlOptions options, store::MirroredStore& store, RandomSource& random,
              MetricRegistry& metrics);
  Status CheckInTouch() const;
  // Opens the desks; founds the farm in a new store. Gives this manager's id.
  StatusOr<multicast::MemberId> OpenDesks();
  Status UseKeys(const std::vector<multicast::GroupKey>& keys);

  // ---- The group's thread.
  void OnMessage(const farm::Message& message, farm::EngineId origin) override;
  void OnView(const multicast::View& view, bool joined) override;
  void OnState() override;
  void OnRotateKey() override;

  // ---- The worker's thread.
  // Leads, if the last view says so and it does not yet.
  void BeginToLead();
  // Reads anew what the store has, since another wrote to it, or an order was not acknowledged.
  Status ReloadDesks();
  // Tells the farm what the store has and the replica has not.
  void TellStore();
  void ReconcileEngine(farm::EngineId engine);
  void Tick();

  void TellObserver(const farm::Message* message);
  void NoteEngines(const std::vector<farm::EngineId>& engines);

  const FarmControlOptions options_;
  store::MirroredStore& store_;
  RandomSource& random_;  // Of the worker.
  std::unique_ptr<Registrar> registrar_;
  std::unique_ptr<SiteDesk> sites_;
  ManagerBook managers_;
  PurgeJournal purges_;
  RestoredPurges restored_;
  AuditLog audit_;
  Confirmations confirmations_;
  EventLog events_;
  StateVerifier verifier_;
  EngineWatch engines_;
  std::unique_ptr<DirectoryFeed> feed_;
  std::unique_ptr<Leadership> leadership_;
  std::atomic<bool> stale_ = false;  // The desks are older than the store.

  mutable absl::Mutex mutex_;
  bool joined_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const farm::DirectorSettings> director_ ABSL_GUARDED_BY(mutex_);

  absl::Mutex observer_mutex_;  // Held while he is told; with no other.
  std::function<void(const farm::Message*)> observer_ ABSL_GUARDED_BY(observer_mutex_);

  bool untold_ = false;          // Of the worker: TellStore has to be tried again.
  std::string untold_why_;       // The same: what was logged of it.
  bool rotation_asked_ = false;  // Of the worker: while this manager did not lead yet.

  std::unique_ptr<farm::FarmMember> member_;
  std::unique_ptr<Succession> succession_;
  std::unique_ptr<StoreTeller> teller_;    // Of the worker.
  std::unique_ptr<KeyRotation> rotation_;  // Of the worker. Null: the group is open.
  std::unique_ptr<WorkQueue> work_;        // Late: its thread uses everything.
  // Says that this manager is there, and takes the lead that is offered: neither must wait for what
  // the worker waits for.
  std::unique_ptr<WorkQueue> presence_;
};

}  // namespace strata::manager::control

#include "service_manager/control/farm_control.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/log.h"
#include "multicast/driver/clock.h"

namespace strata::manager::control {
namespace {

using multicast::Now;

constexpr Duration kTick = std::chrono::milliseconds(500);

const Logger& Log() {
  static const Logger logger("control");
  return logger;
}

std::vector<farm::EngineId> EnginesOf(const multicast::View& view, bool only_full = false) {
  std::vector<farm::EngineId> engines;
  for (const multicast::MemberInfo& member : view.members) {
    if (member.role != multicast::Role::kEngine) continue;
    if (only_full && member.status != multicast::MemberStatus::kFull) continue;
    engines.push_back(farm::EngineId(member.id.value()));
  }
  return engines;
}

}  // namespace

FarmControl::FarmControl(FarmControlOptions options, store::MirroredStore& store,
                         RandomSource& random, MetricRegistry& metrics)
    : options_(std::move(options)),
      store_(store),
      random_(random),
      managers_(store),
      purges_(store),
      restored_(store),
      audit_(store),
      verifier_(options_.verify_every, random, events_, metrics),
      engines_(Now()),
      director_(std::make_shared<farm::DirectorSettings>(options_.director)) {}

FarmControl::~FarmControl() {
  GiveUp();
  // The group's thread may give them work until the end.
  if (presence_ != nullptr) presence_->Stop();
  if (work_ != nullptr) work_->Stop();
  if (member_ != nullptr) member_->Leave();
}

StatusOr<std::unique_ptr<FarmControl>> FarmControl::Start(FarmControlOptions options,
                                                          store::MirroredStore& store,
                                                          directory::LocationIndex& index,
                                                          RandomSource& random,
                                                          MetricRegistry& metrics) {
  auto control =
      std::unique_ptr<FarmControl>(new FarmControl(std::move(options), store, random, metrics));
  STRATA_ASSIGN_OR_RETURN(const multicast::MemberId id, control->OpenDesks());
  control->leadership_ =
      std::make_unique<Leadership>(id, control->options_.follow, store, control->managers_);
  control->feed_ = std::make_unique<DirectoryFeed>(index, store, metrics);
  multicast::GroupOptions group = control->options_.group;
  group.core.group = multicast::GroupId(control->registrar_->group_id());
  // Where there are others, one of them may know the group.
  group.core.found = control->managers_.all().size() == 1;
  group.core.lead_only_if_full = true;
  group.core.full_when_ready = true;
  group.member = id;
  group.role = multicast::Role::kManager;
  if (control->options_.encrypted) group.keys = control->registrar_->keys();
  // The worker waits for this lock before it uses the member, and so does nobody too early.
  absl::MutexLock lock(&control->mutex_);
  FarmControl* self = control.get();
  control->work_ = std::make_unique<WorkQueue>(kTick, [self] { self->Tick(); });
  STRATA_ASSIGN_OR_RETURN(
      control->member_,
      farm::FarmMember::Join(std::move(group), control->options_.table, *control, metrics));
  control->member_->Observe(control->feed_.get());
  control->succession_ = std::make_unique<Succession>(
      *control->leadership_, store, control->managers_, *control->member_, metrics);
  control->teller_ = std::make_unique<StoreTeller>(*control->registrar_, *control->sites_,
                                                   control->purges_, *control->member_);
  control->presence_ = std::make_unique<WorkQueue>(kTick, [self] {
    if (!self->joined()) return;
    (void)self->member_->Send(farm::Present{});  // The next one comes soon.
    self->member_->RefreshMetrics();
    self->succession_->RefreshMetrics();
  });
  return control;
}

StatusOr<multicast::MemberId> FarmControl::OpenDesks() {
  STRATA_ASSIGN_OR_RETURN(const bool known, Registrar::IsOfAFarm(store_));
  if (!known && !options_.founds) {
    return FailedPrecondition("the store is new, and this manager founds no farm");
  }
  if (!known) STRATA_RETURN_IF_ERROR(store_.Lead(1));
  STRATA_ASSIGN_OR_RETURN(registrar_, Registrar::Open(store_, random_));
  STRATA_ASSIGN_OR_RETURN(sites_, SiteDesk::Open(store_));
  STRATA_RETURN_IF_ERROR(managers_.Load());
  if (managers_.all().empty()) {
    // A farm that is founded here, or one that had but one manager, ever.
    STRATA_RETURN_IF_ERROR(store_.Lead(1));
    STRATA_RETURN_IF_ERROR(managers_.Enroll(options_.name, options_.address));
  }
  const StatusOr<ManagerBook::Entry> self = managers_.Find(options_.name);
  if (!self.ok()) {
    return FailedPrecondition(
        "the store is of a farm whose managers are others, such as %s: give each manager a data "
        "folder of its own",
        managers_.all().begin()->first.c_str());
  }
  if (managers_.all().size() > 1) {
    store_.Follow();
  } else {
    STRATA_RETURN_IF_ERROR(store_.Lead(1));  // As Leadership::is_sole has it.
  }
  return multicast::MemberId(self->id);
}

Status FarmControl::Health() const {
  STRATA_RETURN_IF_ERROR(feed_->store_status());
  if (!joined()) return Unavailable("not in the farm's group");
  return CheckInTouch();
}

std::optional<uint64_t> FarmControl::term() const {
  const uint64_t term = store_.position().term;
  return leads() ? std::optional(term) : std::nullopt;
}

Status FarmControl::CheckInTouch() const {
  if (member_->InTouch()) return Ok();
  return Unavailable("this manager hears no majority of the farm's voters");
}

Status FarmControl::CheckOrders() const {
  STRATA_RETURN_IF_ERROR(CheckLeads());
  return CheckInTouch();
}

bool FarmControl::joined() const {
  absl::MutexLock lock(&mutex_);
  return joined_;
}

std::vector<std::string> FarmControl::Differing() const {
  std::vector<std::string> names;
  for (const farm::EngineId engine : verifier_.Differing()) {
    names.push_back(member_->NameOf(engine));
  }
  return names;
}

std::shared_ptr<const farm::DirectorSettings> FarmControl::director() const {
  absl::MutexLock lock(&mutex_);
  return director_;
}

void FarmControl::SetDirector(farm::DirectorSettings settings) {
  auto director = std::make_shared<const farm::DirectorSettings>(std::move(settings));
  absl::MutexLock lock(&mutex_);
  director_ = std::move(director);
}

StatusOr<Registrar::Engine> FarmControl::Register(const farm::EngineInfo& info, ByteSpan instance) {
  const StatusOr<Registrar::Engine> before = registrar_->Find(info.name);
  const bool another = before.ok() && !std::equal(instance.begin(), instance.end(),
                                                  before->instance.begin(), before->instance.end());
  if (another && engines_.IsAlive(before->info.id, Now())) {
    return AlreadyExists("engine %s is registered by another process that is alive",
                         info.name.c_str());
  }
  STRATA_ASSIGN_OR_RETURN(const Registrar::Engine engine, registrar_->Register(info, instance));
  engines_.OnRenewed(engine.info.id, Now());
  events_.Add("engine", info.name + " registered");
  Tell();
  return engine;
}

StatusOr<uint64_t> FarmControl::Renew(const std::string& name, ByteSpan instance,
                                      uint64_t registration) {
  STRATA_RETURN_IF_ERROR(registrar_->CheckRenewal(name, instance, registration));
  STRATA_ASSIGN_OR_RETURN(const Registrar::Engine engine, registrar_->Find(name));
  engines_.OnRenewed(engine.info.id, Now());
  return verifier_.DifferedAt(engine.info.id);
}

StatusOr<bool> FarmControl::OnPurgedUpTo(const std::string& engine, const std::string& site,
                                         uint64_t position) {
  STRATA_ASSIGN_OR_RETURN(const bool lost, restored_.OnPurgedUpTo(site, position));
  if (!lost) return false;
  events_.Add("purge", engine + " knows purges of " + site +
                           " that the backup does not: its whole cache is purged");
  Tell();
  return true;
}

void FarmControl::Observe(std::function<void(const farm::Message* message)> told) {
  absl::MutexLock lock(&observer_mutex_);
  observer_ = std::move(told);
}

// ---- The group's thread.

void FarmControl::TellObserver(const farm::Message* message) {
  absl::MutexLock lock(&observer_mutex_);
  if (observer_ != nullptr) observer_(message);
}

void FarmControl::OnMessage(const farm::Message& message, farm::EngineId) {
  confirmations_.OnMessage(message);
  TellObserver(&message);
  if (const auto* asked = std::get_if<farm::DigestAsked>(&message)) {
    verifier_.OnAsked(*asked, *member_);
  } else if (const auto* told = std::get_if<farm::DigestTold>(&message)) {
    verifier_.OnTold(*told, *member_);
  } else if (const auto* health = std::get_if<farm::HealthChanged>(&message)) {
    const char* words[] = {"is up", "is degraded", "is down"};
    std::string text =
        member_->NameOf(health->engine) + " " + words[static_cast<int>(health->health)];
    if (!health->reason.empty()) text += ": " + health->reason;
    events_.Add("engine", text);
  } else if (const auto* ends = std::get_if<farm::InventoryEnds>(&message)) {
    work_->Post([this, engine = ends->engine] { ReconcileEngine(engine); });
  } else if (const auto* removed = std::get_if<farm::EngineRemoved>(&message)) {
    work_->Post([this, engine = removed->engine] { ReconcileEngine(engine); });
  } else if (const auto* site = std::get_if<farm::SiteTaken>(&message)) {
    if (!site->problem.empty()) {
      events_.Add("site", member_->NameOf(site->engine) + " cannot serve " + site->site + ": " +
                              site->problem);
    }
  }
}

void FarmControl::OnView(const multicast::View& view, bool joined) {
  {
    absl::MutexLock lock(&mutex_);  // The member is there only when Start ends.
    joined_ = joined;
  }
  const std::vector<farm::EngineId> engines = EnginesOf(view);
  confirmations_.OnView(engines);
  NoteEngines(engines);
  verifier_.OnView(engines);
  leadership_->OnView(view);
  TellObserver(nullptr);
  work_->Post([this] {
    BeginToLead();
    TellStore();
  });
}

void FarmControl::OnState() {
  std::vector<farm::EngineId> engines;
  member_->Read([&](const farm::TableReplica& replica) {
    feed_->AddAll(replica.table());
    for (const auto& [id, row] : replica.table().rows()) {
      if (!row.telling) engines.push_back(id);
    }
  });
  for (const farm::EngineId engine : engines) {
    work_->Post([this, engine] { ReconcileEngine(engine); });
  }
}

void FarmControl::OnRotateKey() {
  if (!options_.encrypted) return;
  work_->Post([this] {
    rotation_asked_ = rotation_ == nullptr;
    if (rotation_ != nullptr) rotation_->Ask(Now());
  });
}

void FarmControl::RotateKeyAtOnce() {
  if (!options_.encrypted) return;
  work_->Post([this] {
    if (rotation_ != nullptr) rotation_->AskAtOnce(Now());
  });
}

Duration FarmControl::AwayFor(farm::EngineId engine) const {
  return engines_.AwayFor(engine, Now());
}

void FarmControl::NoteEngines(const std::vector<farm::EngineId>& engines) {
  const EngineWatch::Change change = engines_.OnView(engines, Now());
  for (const farm::EngineId engine : change.came) {
    events_.Add("view", member_->NameOf(engine) + " is in the group");
  }
  for (const farm::EngineId engine : change.left) {
    events_.Add("view", member_->NameOf(engine) + " left the group");
  }
}

void FarmControl::Tell() {
  work_->Post([this] { TellStore(); });
}

std::vector<std::string> FarmControl::OtherManagers() const {
  std::vector<std::string> addresses;
  const std::string first = leader();
  for (const auto& [name, entry] : managers_.all()) {
    if (name == options_.name) continue;
    addresses.insert(name == first ? addresses.begin() : addresses.end(), entry.address);
  }
  return addresses;
}

void FarmControl::OnIntentTaken() {
  if (!stale_.exchange(true)) work_->Post([this] { (void)ReloadDesks(); });
}

void FarmControl::OnCounts(const std::string& by) {
  const std::optional<uint32_t> view = leadership_->learns_in();
  // Who has not noticed yet that another one leads counts for nothing. Asked after the view: if
  // another one leads since, Ready refuses it.
  if (!view || by != leader()) return;
  absl::MutexLock lock(&mutex_);  // The member is there only when Start ends.
  (void)member_->Ready(*view);
}

void FarmControl::GiveUp() {
  confirmations_.GiveUp();
  store_.GiveUp();
  if (succession_ != nullptr) succession_->GiveUp();
  if (member_ != nullptr) member_->GiveUp();
}

void FarmControl::OnLeadOffered() {
  absl::MutexLock lock(&mutex_);  // As OnCounts.
  presence_->Post([this] {
    const Status taken = succession_->TakeLead();
    if (!taken.ok()) Log().Warning("the lead is not taken", {{"error", MessageOf(taken)}});
  });
}

// ---- The worker's thread.

void FarmControl::BeginToLead() {
  if (!leadership_->is_to_begin()) return;
  // All that was acknowledged is in the store; what is known of it here may be older.
  stale_ = true;
  if (!ReloadDesks().ok()) return;  // The next tick tries again.
  const StatusOr<bool> begun = leadership_->Begin();
  if (!begun.ok()) {
    Log().Error("cannot lead the farm; it is tried again", {{"error", MessageOf(begun.status())}});
  }
  if (!begun.ok() || !*begun) return;
  // Those were alive a moment ago. But who comes to a group that is founded has started anew.
  engines_.Believe(EnginesOf(member_->view(), /*only_full=*/true), Now());
  Log().Info("leads the farm", {{"term", store_.position().term}});
  events_.Add("manager", options_.name + " leads the farm");
  if (options_.encrypted) {
    const auto use = [this](const std::vector<multicast::GroupKey>& keys) { return UseKeys(keys); };
    rotation_ = std::make_unique<KeyRotation>(*registrar_, use, random_, Now());
    if (std::exchange(rotation_asked_, false)) rotation_->Ask(Now());
  }
  const Status enrolled = managers_.Enroll(options_.name, options_.address).status();
  if (!enrolled.ok()) Log().Warning("own address not recorded", {{"error", MessageOf(enrolled)}});
}

Status FarmControl::ReloadDesks() {
  if (!stale_.exchange(false)) return Ok();
  Status read = registrar_->Reload();
  if (read.ok()) read = sites_->Reload();
  if (read.ok()) read = managers_.Load();
  if (read.ok()) read = UseKeys(registrar_->keys());
  if (!read.ok()) {
    stale_ = true;
    Log().Error("the store cannot be read anew", {{"error", MessageOf(read)}});
  }
  return read;
}

Status FarmControl::UseKeys(const std::vector<multicast::GroupKey>& keys) {
  return options_.encrypted ? member_->UseKeys(keys) : Ok();
}

void FarmControl::TellStore() {
  if (!leads()) return;
  const Status told = teller_->Tell();
  const std::string why = told.ok() ? "" : MessageOf(told);
  if (!told.ok() && why != untold_why_) {  // It may last until members are upgraded.
    Log().Warning("the farm was not told everything; it is tried again", {{"error", why}});
  }
  untold_why_ = why;
  untold_ = !told.ok();
}

void FarmControl::ReconcileEngine(farm::EngineId engine) {
  const uint64_t removed = feed_->Reconcile(engine, [this](const DirectoryFeed::Step& step) {
    member_->Read([&step](const farm::TableReplica& replica) { step(replica.table()); });
  });
  if (removed != 0) {
    events_.Add("farm", member_->NameOf(engine) + " does not hold " + std::to_string(removed) +
                            " contents any more that the directory listed");
  }
}

void FarmControl::Tick() {
  {
    absl::MutexLock lock(&mutex_);
    if (!joined_) return;
  }
  if (store_.TakeUnacknowledged()) stale_ = untold_ = true;
  (void)ReloadDesks();
  BeginToLead();
  if (untold_) TellStore();
  if (!leads()) {
    rotation_.reset();
    return;
  }
  verifier_.AskIfDue(*member_);
  if (rotation_ == nullptr) return;
  const Status rotated = rotation_->OnTick(Now());
  if (!rotated.ok()) Log().Error("a step of a change of key", {{"error", MessageOf(rotated)}});
}

}  // namespace strata::manager::control

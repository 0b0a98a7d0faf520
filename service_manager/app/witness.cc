#include "service_manager/app/witness.h"

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
#include "common/settings/settings.h"
#include "common/system_random.h"
#include "farm/member/group_place.h"
#include "farm/member/process_settings.h"
#include "farm/rpc/refusal.h"
#include "multicast/driver/state_file.h"
#include "proto/witness_settings.pb.h"

namespace strata::manager::app {
namespace {

constexpr Duration kRenewEvery = std::chrono::seconds(1);
// A predecessor that was killed counts as alive for some seconds; who is refused for longer has a
// living twin.
constexpr int kTwinTries = 15;
constexpr size_t kInstanceBytes = 16;
constexpr char kStateFile[] = "/group_state";

const Logger& Log() {
  static const Logger logger("witness");
  return logger;
}

Bytes DrawInstance() {
  SystemRandom random;
  Bytes instance;
  while (instance.size() < kInstanceBytes) {
    instance.push_back(static_cast<uint8_t>(random.Below(256)));
  }
  return instance;
}

bool Votes(const multicast::View& view, multicast::MemberId id) {
  for (const multicast::MemberInfo& member : view.members) {
    if (member.id == id) return member.voter;
  }
  return false;
}

}  // namespace

StatusOr<WitnessOptions> LoadWitnessSettings(const std::string& path) {
  settings::v1::WitnessSettings file;
  STRATA_RETURN_IF_ERROR(LoadSettingsFile(path, &file));
  WitnessOptions options;
  options.path = path;
  options.data_folder = file.data_folder();
  options.tls = farm::ToTlsPaths(file.tls());
  const StatusOr<multicast::SocketSettings> sockets = farm::ToSocketSettings(file.lan());
  if (!sockets.ok()) {
    return MakeStatus(sockets.status().code(), path + ": " + MessageOf(sockets.status()));
  }
  options.sockets = *sockets;
  options.managers = {file.managers().begin(), file.managers().end()};
  STRATA_ASSIGN_OR_RETURN(options.status_listen, Endpoint::Parse(file.status_listen()));
  options.log_level = farm::ToLogLevel(file.log_level());
  return options;
}

StatusOr<std::unique_ptr<Witness>> Witness::Start(const WitnessOptions& options,
                                                  Program::Fail on_failure) {
  Logger::SetLevel(options.log_level);
  auto witness = std::unique_ptr<Witness>(new Witness(options));
  witness->on_failure_ = std::move(on_failure);
  STRATA_ASSIGN_OR_RETURN(witness->tls_, tls::TlsStore::Open(options.tls));
  const tls::Identity own = witness->tls_->Current()->own;
  if (own.role != tls::Role::kWitness) {
    return FailedPrecondition("%s: the certificate is of %s, not of a witness",
                              options.tls.certificate.c_str(), ToString(own).c_str());
  }
  if (mkdir(options.data_folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return Unavailable("%s: %s", options.data_folder.c_str(), std::strerror(errno));
  }
  witness->instance_ = DrawInstance();
  witness->tls_watch_ = std::make_unique<tls::TlsWatch>(
      witness->tls_, witness->metrics_, [](const tls::TlsMaterial&, const tls::TlsMaterial&) {});
  witness->client_ = std::make_unique<rpc::WitnessClient>(options.managers, witness->tls_);
  Witness* self = witness.get();
  STRATA_ASSIGN_OR_RETURN(witness->status_server_,
                          StatusServer::Start(options.status_listen, witness->metrics_,
                                              [self] { return self->Health(); }));
  witness->thread_ = std::thread([self] { self->Live(); });
  return witness;
}

Witness::~Witness() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  if (client_ != nullptr) client_->Stop();
  if (thread_.joinable()) thread_.join();
  status_server_.reset();
  if (group_ != nullptr) group_->Leave();
}

Status Witness::Reload() {
  STRATA_RETURN_IF_ERROR(tls_watch_->Reload());
  STRATA_ASSIGN_OR_RETURN(const WitnessOptions now, LoadWitnessSettings(options_.path));
  Logger::SetLevel(now.log_level);
  return Ok();
}

HealthReport Witness::Health() const {
  absl::MutexLock lock(&mutex_);
  Status status;
  if (!phase_.empty()) {
    status = Unavailable("%s", phase_.c_str());
  } else if (view_.number == 0) {
    status = Unavailable("not in the farm's group");
  }
  HealthReport report(status);
  const bool votes = Votes(view_, self_);
  report.facts.emplace_back("role", votes ? "witness, votes" : "witness, has no vote in this view");
  report.facts.emplace_back("view", std::to_string(view_.number));
  report.facts.emplace_back("members", std::to_string(view_.members.size()));
  return report;
}

// ---- The group's thread.

void Witness::OnViewChanged(const multicast::ViewChangedAction& change) {
  const bool in_view = change.status == multicast::MemberStatus::kWitness;
  {
    absl::MutexLock lock(&mutex_);
    view_ = in_view ? change.view : multicast::View();
  }
  Log().Info("view", {{"number", change.view.number}, {"members", change.view.members.size()}});
}

void Witness::OnLeftView(const multicast::LeftViewAction& left) {
  {
    absl::MutexLock lock(&mutex_);
    view_ = multicast::View();
  }
  Log().Warning("left the farm's group", {{"why", left.why}});
}

void Witness::OnStorageError(const std::string& error) {
  Log().Error("the group's state cannot be written", {{"error", error}});
}

// ---- The witness's thread.

void Witness::Live() {
  const StatusOr<rpc::Attendance> attendance = Register();
  Status status = attendance.status();
  if (attendance.ok()) status = Join(*attendance);
  while (status.ok() && Sleep()) {
    status = Renew();
    ShowMetrics();
  }
  {
    absl::MutexLock lock(&mutex_);
    if (stop_) return;
  }
  if (!status.ok()) on_failure_(status);
}

StatusOr<rpc::Attendance> Witness::Register() {
  std::string last;
  int twins = 0;
  while (true) {
    StatusOr<rpc::Attendance> attendance = client_->Attend(instance_);
    if (attendance.ok()) return attendance;
    const Status& why = attendance.status();
    twins = why.code() == StatusCode::kAlreadyExists ? twins + 1 : 0;
    if (farm::rpc::IsRefusal(why) || twins > kTwinTries) {
      return MakeStatus(why.code(), "the manager refuses this witness: " + MessageOf(why));
    }
    const std::string words = MessageOf(why);
    if (std::exchange(last, words) != words) {
      Log().Warning("not registered yet", {{"why", words}});
    }
    if (twins == 0) {
      // Its vote may be the one that is missing.
      StatusOr<rpc::Attendance> place = FindPlace();
      if (place.ok()) return place;
    }
    if (!Sleep()) return Unavailable("ended while it waited for a manager");
  }
}

StatusOr<rpc::Attendance> Witness::FindPlace() {
  STRATA_ASSIGN_OR_RETURN(const std::optional<multicast::StateFile::Owner> owner,
                          multicast::StateFile::OwnerOf(options_.data_folder + kStateFile));
  // Who has forgotten what it promised waits until somebody leads.
  if (!owner) return NotFound("this witness was in no group, or its disk is new");
  return client_->FindPlace(owner->member, owner->group.value());
}

Status Witness::Join(const rpc::Attendance& attendance) {
  multicast::GroupOptions group;
  group.member = attendance.member;
  group.role = multicast::Role::kWitness;
  group.sockets = options_.sockets;
  farm::SetPlace(attendance.group, group);
  group.state_file = options_.data_folder + kStateFile;
  group.may_change_group = true;  // A manager that was restored founds another one.
  group.own_thread = true;
  group_id_ = attendance.group.group_id;
  {
    absl::MutexLock lock(&mutex_);
    self_ = attendance.member;
    phase_.clear();
  }
  group_metrics_ = std::make_unique<multicast::GroupMetrics>(metrics_, group.core.group);
  keys_ = std::make_unique<farm::GroupKeys>(group.keys);
  STRATA_ASSIGN_OR_RETURN(group_, multicast::Group::Join(group, *this));
  Log().Info("registered", {{"name", tls_->Current()->own.name}, {"id", self_.value()}});
  return Ok();
}

Status Witness::Renew() {
  StatusOr<rpc::Attendance> attendance = client_->Attend(instance_);
  if (farm::rpc::IsRefusal(attendance.status())) return attendance.status();
  if (!attendance.ok()) attendance = FindPlace();  // The keys may be others than those it has.
  if (!attendance.ok()) return Ok();               // The next one comes soon.
  if (attendance->group.group_id != group_id_) {
    return FailedPrecondition("the farm has another group: its manager was restored");
  }
  const Status used = keys_->Use(*group_, attendance->group.keys);
  if (!used.ok()) Log().Error("new keys", {{"error", MessageOf(used)}});
  return Ok();
}

void Witness::ShowMetrics() {
  const multicast::GroupCounters counters = group_->counters();
  group_metrics_->SetCounters(counters.core, counters.driver);
  const multicast::GroupStatus status = group_->status();
  group_metrics_->SetView(status.view, status.status);
}

bool Witness::Sleep() {
  absl::MutexLock lock(&mutex_);
  return !mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(kRenewEvery));
}

}  // namespace strata::manager::app

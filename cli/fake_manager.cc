#include "cli/fake_manager.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "cli/fake_hierarchy.h"
#include "cli/fake_location.h"
#include "cli/fake_site_flow.h"
#include "common/check.h"
#include "common/tls/grpc_credentials.h"
#include "common/wall_clock.h"
#include "farm/backup/record.h"
#include "proto/manager.grpc.pb.h"

namespace strata::cli {
namespace {

namespace api = strata::manager::v1;

constexpr uint64_t kMebi = 1 << 20;
constexpr uint64_t kGibi = 1 << 30;
constexpr int64_t kAppliedAt = 1'800'000'000;

api::EngineRow NewEngine(const std::string& name, uint32_t id) {
  api::EngineRow row;
  row.set_name(name);
  row.set_id(id);
  row.set_status("up");
  row.set_in_view(true);
  row.add_clients("192.0.2." + std::to_string(id) + ":80");
  row.add_peers("192.0.2." + std::to_string(id) + ":8081");
  row.mutable_capacity()->set_bandwidth_out(1'000'000'000);
  row.mutable_capacity()->set_storage(500 * kGibi);
  row.mutable_capacity()->set_memory(16 * kGibi);
  row.set_load_factor(0.12);
  row.set_bandwidth_out(118'000'000);
  row.set_bandwidth_in(2'300'000);
  row.set_storage_used(212 * kGibi);
  row.set_memory_used(3 * kGibi + 400 * kMebi);
  row.set_cpu(0.07);
  row.set_active_requests(1312);
  row.set_assets(120'332);
  row.set_asset_bytes(211 * kGibi);
  row.set_report_age_s(0.4);
  row.set_registration(id);
  return row;
}

api::ShowFarmReply NewFarm() {
  api::ShowFarmReply farm;
  farm.set_scope("cdn-one/lan-a");
  farm.set_manager("sm-1");
  farm.set_has_quorum(true);
  farm.set_view(7);
  farm.set_commit_number(1'234'567);
  farm.set_contents(240'100);
  *farm.add_engines() = NewEngine("north-1", 11);
  api::EngineRow& south = *farm.add_engines() = NewEngine("south-1", 12);
  south.set_status("degraded");
  south.set_reason("disk sdb: 12 errors in the last minute");
  south.set_bandwidth_out(970'000'000);
  south.set_load_factor(0.86);
  south.set_cpu(0.83);
  (*south.mutable_parameters())["nginx_connections"] = 0.91;
  api::EngineRow& west = *farm.add_engines() = NewEngine("west-1", 13);
  west.set_status("down");
  west.set_reason("left the group");
  west.set_in_view(false);
  west.set_report_age_s(312);
  return farm;
}

api::SiteSummary NewSite() {
  api::SiteSummary site;
  site.set_name("films");
  site.set_version(3);
  site.add_hosts("films.example");
  site.add_hosts("www.films.example");
  site.set_origins(2);
  site.set_mode("redirect");
  site.set_applied_by("operator ann");
  site.set_applied_at_s(kAppliedAt);
  return site;
}

}  // namespace

class FakeManager::Service final : public api::Administration::Service {
 public:
  explicit Service(std::shared_ptr<tls::TlsStore> store) : store_(std::move(store)) {}

  grpc::Status ShowFarm(grpc::ServerContext* context, const api::ShowFarmRequest*,
                        api::ShowFarmReply* reply) override {
    if (freezes) thaw.WaitForNotification();
    *reply = farm;
    GoOnDraining();
    return Check(*context, false);
  }

  grpc::Status VerifyFarm(grpc::ServerContext* context, const api::VerifyFarmRequest*,
                          api::VerifyFarmReply* reply) override {
    reply->set_commit_number(farm.commit_number());
    reply->set_digest("6a09e667f3bcc908");
    reply->set_equal(heals);
    for (const api::EngineRow& engine : farm.engines()) {
      api::MemberDigest& member = *reply->add_members();
      member.set_name(engine.name());
      const bool answers = engine.status() != "down";
      member.set_equal(answers);
      if (answers) member.set_digest(reply->digest());
      if (!answers) member.set_problem("did not answer within 4s");
    }
    return Check(*context, false);
  }

  grpc::Status Locate(grpc::ServerContext* context, const api::LocateRequest* request,
                      api::LocateReply* reply) override {
    if (request->uri().find("films.example") == std::string::npos) {
      return {grpc::StatusCode::NOT_FOUND, "no site has the host of " + request->uri()};
    }
    reply->set_site("films");
    reply->set_canonical_uri(request->uri());
    reply->set_key("00112233445566778899aabbccddeeff");
    reply->add_fillers("north-1");
    reply->add_fillers("south-1");
    if (request->uri().ends_with("absent")) return Check(*context, false);
    AddCopy(*reply, "north-1", "up", 3600);
    AddCopy(*reply, "south-1", "degraded", -4);
    reply->mutable_copies(1)->set_complete(false);
    return Check(*context, false);
  }

  grpc::Status ListContent(grpc::ServerContext* context, const api::ListContentRequest* request,
                           grpc::ServerWriter<api::Content>* writer) override {
    if (!request->site().empty() && request->site() != "films") {
      return {grpc::StatusCode::NOT_FOUND, "no site \"" + request->site() + "\""};
    }
    for (int i = 0; i < 3 && leader.empty(); ++i) {
      api::Content content;
      content.set_key("0011223344556677889900000000000" + std::to_string(i));
      if (i != 2) content.set_uri("http://films.example/season-1/" + std::to_string(i) + ".mp4");
      content.set_size(static_cast<uint64_t>(i) * 700 * kMebi);
      content.add_engines("north-1");
      if (i == 0) content.add_engines("south-1");
      writer->Write(content);
    }
    return Check(*context, false);
  }

  grpc::Status PurgeContent(grpc::ServerContext* context, const api::PurgeContentRequest* request,
                            api::PurgeContentReply* reply) override {
    api::Purge& purge = *reply->add_purges();
    purge.set_site("films");
    purge.set_position(41);
    *purge.mutable_uris() = request->uris();
    for (const api::EngineRow& engine : farm.engines()) {
      api::PurgeConfirmation& confirmation = *purge.add_engines();
      confirmation.set_engine(engine.name());
      confirmation.set_confirmed(engine.status() != "down");
      confirmation.set_dropped(1);
      if (!confirmation.confirmed()) confirmation.set_problem("away: purges before it serves");
    }
    reply->set_complete(heals);
    return Check(*context, true);
  }

  grpc::Status DrainEngine(grpc::ServerContext* context, const api::DrainEngineRequest* request,
                           api::DrainEngineReply*) override {
    for (api::EngineRow& engine : *farm.mutable_engines()) {
      if (engine.name() == request->engine() && request->draining()) BeginDrain(engine);
      if (engine.name() == request->engine() && !request->draining()) engine.clear_drain();
    }
    return CheckEngine(*context, request->engine());
  }
  grpc::Status RemoveEngine(grpc::ServerContext* context, const api::RemoveEngineRequest* request,
                            api::RemoveEngineReply*) override {
    return CheckEngine(*context, request->engine());
  }

  grpc::Status ListManagers(grpc::ServerContext* context, const api::ListManagersRequest*,
                            api::ListManagersReply* reply) override {
    reply->set_leader("sm-1");
    const auto add = [&](const char* name, const std::string& address, const char* role) {
      api::ManagerRow* row = reply->add_managers();
      row->set_name(name);
      row->set_address(address);
      row->set_role(role);
      row->set_priority(100);
    };
    add("sm-1", own_address, "leads");
    add("sm-2", own_address, "backup");
    add("sm-3", "192.0.2.3:7400", "away");
    return Check(*context, false);
  }
  grpc::Status PromoteManager(grpc::ServerContext* context,
                              const api::PromoteManagerRequest* request,
                              api::PromoteManagerReply*) override {
    if (request->name() != "sm-2") {
      return {grpc::StatusCode::FAILED_PRECONDITION, "this manager is not in step"};
    }
    return Check(*context, true);
  }
  grpc::Status RemoveManager(grpc::ServerContext* context, const api::RemoveManagerRequest* request,
                             api::RemoveManagerReply*) override {
    if (request->name() != "sm-3") {
      return {grpc::StatusCode::FAILED_PRECONDITION,
              "manager " + request->name() + " is in the farm's group: stop it first"};
    }
    return Check(*context, true);
  }

  grpc::Status ListSites(grpc::ServerContext* context, const api::ListSitesRequest*,
                         api::ListSitesReply* reply) override {
    *reply->add_sites() = NewSite();
    return Check(*context, false);
  }
  grpc::Status GetSite(grpc::ServerContext* context, const api::GetSiteRequest* request,
                       api::GetSiteReply* reply) override {
    *reply->mutable_summary() = NewSite();
    reply->set_yaml("name: films\nhosts: [films.example, www.films.example]\n");
    *reply->add_versions() = NewSite();
    api::SiteSummary& kept = *reply->add_versions() = NewSite();
    kept.set_version(2);
    return CheckSite(*context, request->name(), false);
  }
  grpc::Status ApplySite(grpc::ServerContext* context, const api::ApplySiteRequest* request,
                         api::ApplySiteReply* reply) override {
    if (request->yaml().find("name:") == std::string::npos) {
      return {grpc::StatusCode::INVALID_ARGUMENT,
              request->file_name() + ":1:1: name: is missing\n" + request->file_name() +
                  ":1:1: hosts: at least one"};
    }
    reply->set_name("films");
    reply->set_version(request->dry_run() ? 3 : 4);
    reply->add_differences("ttl: 5min, was 10min");
    reply->add_differences("+ hosts: films2.example");
    reply->add_differences("- hosts: www.films.example");
    if (!request->dry_run()) reply->add_away("west-1");
    return Check(*context, true);
  }
  grpc::Status RollbackSite(grpc::ServerContext* context, const api::RollbackSiteRequest* request,
                            api::ApplySiteReply* reply) override {
    reply->set_name(request->name());
    reply->set_version(4);
    return CheckSite(*context, request->name(), true);
  }
  grpc::Status RemoveSite(grpc::ServerContext* context, const api::RemoveSiteRequest* request,
                          api::RemoveSiteReply*) override {
    return CheckSite(*context, request->name(), true);
  }

  grpc::Status ListAudit(grpc::ServerContext* context, const api::ListAuditRequest*,
                         api::ListAuditReply* reply) override {
    api::AuditRecord& good = *reply->add_records();
    good.set_at_ms(kAppliedAt * 1000);
    good.set_who("operator ann");
    good.set_from("192.0.2.77");
    good.set_what("ApplySite films");
    good.set_outcome("ok");
    api::AuditRecord& bad = *reply->add_records() = good;
    bad.set_who("viewer bob");
    bad.set_what("PurgeContent http://films.example/a.mp4");
    bad.set_outcome("PERMISSION_DENIED: viewer bob may only look");
    return Check(*context, true);
  }

  grpc::Status FollowEvents(grpc::ServerContext* context, const api::FollowEventsRequest* request,
                            grpc::ServerWriter<api::Event>* writer) override {
    const grpc::Status allowed = Check(*context, false);
    if (!allowed.ok()) return allowed;
    const std::vector<std::pair<const char*, const char*>> events = {
        {"engine", "south-1 is degraded: disk sdb: 12 errors in the last minute"},
        {"purge", "films 41: 1 URI, confirmed by 3 engines"},
        {"view", "view 7: sm-1, north-1, south-1"}};
    api::Event event;
    for (const auto& [kind, text] : events) {
      event.set_number(event.number() + 1);
      event.set_at_ms(kAppliedAt * 1000);
      event.set_kind(kind);
      event.set_text(text);
      if (event.number() <= request->recent()) writer->Write(event);
    }
    if (!request->follow()) return grpc::Status::OK;
    event.set_text("the manager stops");
    writer->Write(event);
    return {grpc::StatusCode::UNAVAILABLE, "Socket closed"};
  }

  grpc::Status CreateBackup(grpc::ServerContext* context, const api::CreateBackupRequest*,
                            grpc::ServerWriter<api::BackupChunk>* writer) override {
    const grpc::Status allowed = Check(*context, true);
    if (!allowed.ok()) return allowed;
    api::BackupChunk chunk;
    chunk.mutable_facts()->set_scope("cdn-one/lan-a");
    chunk.mutable_facts()->set_manager("sm-1");
    farm::backup::AppendRecord(farm::backup::NextKey("films"), farm::backup::NextValue(42),
                               *chunk.mutable_records());
    writer->Write(chunk);
    chunk.Clear();
    if (heals) chunk.mutable_end()->set_records(1);
    writer->Write(chunk);
    return grpc::Status::OK;
  }

  // May look, or may do everything.
  grpc::Status Check(grpc::ServerContext& context, bool only_operators) const {
    context.AddInitialMetadata("strata-time-ms", std::to_string(WallClockMillis() + ahead_ms));
    if (!leader.empty()) return {grpc::StatusCode::UNAVAILABLE, leader + " leads the farm"};
    const StatusOr<tls::Identity> caller = PeerIdentity(*context.auth_context(), *store_);
    if (!caller.ok()) {
      return {static_cast<grpc::StatusCode>(caller.status().code()), MessageOf(caller.status())};
    }
    if (!only_operators || caller->role == tls::Role::kOperator) return grpc::Status::OK;
    return {grpc::StatusCode::PERMISSION_DENIED,
            ToString(*caller) + " may only look; this needs the role operator"};
  }

  api::ShowFarmReply farm = NewFarm();
  std::atomic<bool> heals = false;
  int64_t ahead_ms = 0;  // Of its clock.
  std::string leader;    // Empty: this one. Before there are calls.
  std::string own_address;
  std::atomic<bool> freezes = false;
  absl::Notification thaw;

 private:
  // north-1 has three contents that go one by one; of south-1's one nobody has room.
  static void BeginDrain(api::EngineRow& engine) {
    const bool goes = engine.name() == "north-1";
    engine.set_status("draining");
    engine.set_active_requests(goes ? 42 : 0);
    api::Drain& drain = *engine.mutable_drain();
    drain.set_known(true);
    drain.set_contents_left(goes ? 3 : 1);
    drain.set_bytes_left(drain.contents_left() * 4 * kMebi);
    drain.set_in_flight(goes ? 3 : 0);
    if (goes) return;
    drain.set_failing(1);
    api::DrainProblem& problem = *drain.add_problems();
    problem.set_uri("http://films.example/a.mp4");
    problem.set_text("no engine has room for it");
  }
  void GoOnDraining() {
    for (api::EngineRow& engine : *farm.mutable_engines()) {
      if (engine.drain().in_flight() == 0) continue;
      api::Drain& drain = *engine.mutable_drain();
      drain.set_contents_left(drain.contents_left() - 1);
      drain.set_bytes_left(drain.contents_left() * 4 * kMebi);
      drain.set_in_flight(drain.contents_left());
      drain.set_safe(drain.contents_left() == 0);
      if (drain.safe()) engine.set_active_requests(0);
    }
  }

  static void AddCopy(api::LocateReply& reply, const std::string& engine, const std::string& status,
                      double expires_in_s) {
    api::Copy& copy = *reply.add_copies();
    copy.set_engine(engine);
    copy.set_status(status);
    copy.set_load_factor(0.12);
    copy.set_kind("cache");
    copy.set_complete(true);
    copy.set_size(700 * kMebi);
    copy.set_validator("\"5f3c-1a\"");
    copy.set_expires_in_s(expires_in_s);
  }

  grpc::Status CheckEngine(grpc::ServerContext& context, const std::string& name) const {
    for (const api::EngineRow& engine : farm.engines()) {
      if (engine.name() == name) return Check(context, true);
    }
    return {grpc::StatusCode::NOT_FOUND, "no engine \"" + name + "\""};
  }

  grpc::Status CheckSite(grpc::ServerContext& context, const std::string& name,
                         bool only_operators) const {
    if (name == "films") return Check(context, only_operators);
    return {grpc::StatusCode::NOT_FOUND, "no site \"" + name + "\""};
  }

  const std::shared_ptr<tls::TlsStore> store_;
};

struct FakeManager::Parts {
  explicit Parts(std::shared_ptr<tls::TlsStore> opened)
      : store(std::move(opened)), service(store) {}

  std::shared_ptr<tls::TlsStore> store;
  Service service;
  FakeLocation location;
  FakeHierarchy hierarchy{[this](grpc::ServerContext& c) { return service.Check(c, false); }};
  FakeSiteFlow flow;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

FakeManager::FakeManager(const tls::TlsPaths& paths) {
  auto store = tls::TlsStore::Open(paths);
  STRATA_CHECK(store.ok());
  parts_ = std::make_unique<Parts>(*std::move(store));
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", tls::MakeServerCredentials(parts_->store), &parts_->port);
  builder.RegisterService(&parts_->service);
  builder.RegisterService(&parts_->location);
  builder.RegisterService(&parts_->hierarchy);
  builder.RegisterService(&parts_->flow);
  parts_->server = builder.BuildAndStart();
  STRATA_CHECK(parts_->server != nullptr);
  parts_->service.own_address = address();
}

FakeManager::~FakeManager() {
  if (parts_->service.freezes) parts_->service.thaw.Notify();
  parts_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
}

std::string FakeManager::address() const { return "127.0.0.1:" + std::to_string(parts_->port); }

void FakeManager::Federate() { parts_->location.federated = true; }

void FakeManager::LoseQuorum() { parts_->service.farm.set_has_quorum(false); }

void FakeManager::Follow(const std::string& leader) { parts_->service.leader = leader; }

void FakeManager::SetClockAhead(int64_t ms) { parts_->service.ahead_ms = ms; }

void FakeManager::Freeze() { parts_->service.freezes = true; }

void FakeManager::LoseParent() { parts_->hierarchy.LoseParent(); }

void FakeManager::HealEngines() {
  parts_->service.heals = true;
  for (api::EngineRow& engine : *parts_->service.farm.mutable_engines()) engine.set_status("up");
}

tls::TlsStore& FakeManager::store() { return *parts_->store; }

}  // namespace strata::cli

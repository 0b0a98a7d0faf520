#include <gtest/gtest.h>
#include <stdlib.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"
#include "farm/site_ledger.h"
#include "service_manager/control/audit_log.h"
#include "service_manager/control/purge_journal.h"
#include "service_manager/control/registrar.h"
#include "service_manager/control/site_desk.h"
#include "service_manager/store/rocks_store.h"

// What the desks keep is there again after a restart.

namespace strata::manager::control {
namespace {

class DesksTest : public ::testing::Test {
 protected:
  DesksTest() {
    std::string pattern = std::string(getenv("TEST_TMPDIR")) + "/desks-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    Restart();
  }
  void Restart() {
    store_.reset();
    store::RocksStore::Options options;
    options.folder = folder_ + "/store";
    auto store = store::RocksStore::Open(std::move(options));
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
  }
  std::unique_ptr<SiteDesk> Sites() {
    auto desk = SiteDesk::Open(*store_);
    EXPECT_TRUE(desk.ok()) << desk.status().ToString();
    return *std::move(desk);
  }
  std::unique_ptr<Registrar> OpenRegistrar() {
    auto registrar = Registrar::Open(*store_, random_);
    EXPECT_TRUE(registrar.ok()) << registrar.status().ToString();
    return *std::move(registrar);
  }
  static farm::Site SiteOf(const std::string& name, const std::string& host) {
    farm::Site site;
    site.name = name;
    site.hosts = {host};
    return site;
  }
  static farm::EngineInfo EngineOf(const std::string& name) {
    farm::EngineInfo engine;
    engine.name = name;
    engine.clients = {{.ip = IpAddress::V4(192, 0, 2, 1), .port = 80}};
    return engine;
  }

  SeededRandom random_{1};
  std::string folder_;
  std::unique_ptr<store::RocksStore> store_;
};

const Bytes kFirst(kInstanceBytes, 1);
const Bytes kSecond(kInstanceBytes, 2);

// ---- Sites.

TEST_F(DesksTest, ASiteIsThereAfterARestart) {
  const auto plan = Sites()->Apply(SiteOf("films", "films.example"), "name: films", "ann");
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  EXPECT_EQ(plan->site.version, 1u);
  Restart();
  const auto found = Sites()->Find("films", 0);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->yaml, "name: films");
  EXPECT_EQ(found->applied_by, "ann");
}

TEST_F(DesksTest, AppliedAgainWithoutAChangeItKeepsItsVersion) {
  const auto desk = Sites();
  ASSERT_TRUE(desk->Apply(SiteOf("films", "films.example"), "", "ann").ok());
  const auto again = desk->Apply(SiteOf("films", "films.example"), "", "ann");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->site.version, 1u);
  EXPECT_TRUE(again->differences.empty());
}

TEST_F(DesksTest, AHostBelongsToOneSite) {
  const auto desk = Sites();
  ASSERT_TRUE(desk->Apply(SiteOf("films", "films.example"), "", "ann").ok());
  const auto other = desk->Apply(SiteOf("songs", "films.example"), "", "ann");
  EXPECT_EQ(other.status().code(), StatusCode::kAlreadyExists);
  EXPECT_FALSE(desk->Find("songs", 0).ok());
}

TEST_F(DesksTest, RollsBackToTheVersionBeforeAsANewOne) {
  const auto desk = Sites();
  EXPECT_EQ(desk->Rollback("films", 0, "ann").status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(desk->Apply(SiteOf("films", "one.example"), "1", "ann").ok());
  ASSERT_TRUE(desk->Apply(SiteOf("films", "two.example"), "2", "ann").ok());
  const auto back = desk->Rollback("films", 0, "bob");
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_EQ(back->site.version, 3u);
  EXPECT_EQ(back->site.hosts.front(), "one.example");
  EXPECT_TRUE(desk->SiteOf("one.example").ok());
  EXPECT_FALSE(desk->SiteOf("two.example").ok());
  EXPECT_EQ(desk->Versions("films")->size(), 3u);
}

TEST_F(DesksTest, ASiteThatComesBackAfterItsRemovalHasAHigherVersion) {
  ASSERT_TRUE(Sites()->Apply(SiteOf("films", "films.example"), "", "ann").ok());
  ASSERT_TRUE(Sites()->Remove("films").ok());
  Restart();
  const auto desk = Sites();
  EXPECT_TRUE(desk->sites().empty());
  const auto plan = desk->Apply(SiteOf("films", "films.example"), "", "ann");
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->site.version, 2u);
}

// ---- Engines.

TEST_F(DesksTest, AnEngineKeepsItsIdAndItsRegistrationGrows) {
  const auto first = OpenRegistrar()->Register(EngineOf("north-1"), kFirst);
  ASSERT_TRUE(first.ok());
  Restart();
  const auto registrar = OpenRegistrar();
  const auto second = registrar->Register(EngineOf("north-1"), kSecond);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->info.id, first->info.id);
  EXPECT_EQ(second->registration, first->registration + 1);
  EXPECT_EQ(registrar->Register(EngineOf("north-1"), kSecond)->registration, second->registration);
  EXPECT_NE(registrar->Register(EngineOf("south-1"), kFirst)->info.id, first->info.id);
}

TEST_F(DesksTest, AnIdIsNeverGivenTwice) {
  const auto first = OpenRegistrar()->Register(EngineOf("north-1"), kFirst);
  ASSERT_TRUE(first.ok() && OpenRegistrar()->Remove("north-1").ok());
  Restart();
  const auto second = OpenRegistrar()->Register(EngineOf("south-1"), kFirst);
  ASSERT_TRUE(second.ok());
  EXPECT_GT(second->info.id, first->info.id);
}

TEST_F(DesksTest, ARenewalIsOfTheNewestRegistrationOnly) {
  const auto registrar = OpenRegistrar();
  EXPECT_EQ(registrar->CheckRenewal("north-1", kFirst, 1).code(), StatusCode::kNotFound);
  ASSERT_TRUE(registrar->Register(EngineOf("north-1"), kFirst).ok());
  EXPECT_TRUE(registrar->CheckRenewal("north-1", kFirst, 1).ok());
  ASSERT_TRUE(registrar->Register(EngineOf("north-1"), kSecond).ok());
  EXPECT_EQ(registrar->CheckRenewal("north-1", kFirst, 1).code(), StatusCode::kFailedPrecondition);
}

TEST_F(DesksTest, TheGroupsKeyChangesInSteps) {
  const uint8_t first = OpenRegistrar()->keys().front().id;
  const uint64_t group = OpenRegistrar()->group_id();
  Restart();
  const auto registrar = OpenRegistrar();
  EXPECT_EQ(registrar->group_id(), group);
  ASSERT_TRUE(registrar->AddKey(random_).ok());
  ASSERT_TRUE(registrar->AddKey(random_).ok());
  ASSERT_EQ(registrar->keys().size(), 2u);
  EXPECT_EQ(registrar->keys().front().id, first);
  ASSERT_TRUE(registrar->UseNewestKey().ok());
  ASSERT_TRUE(registrar->UseNewestKey().ok());
  EXPECT_NE(registrar->keys().front().id, first);
  ASSERT_TRUE(registrar->ForgetOldKeys().ok());
  EXPECT_EQ(registrar->keys().size(), 1u);
  EXPECT_NE(registrar->keys().front().id, first);
}

// ---- Logs.

TEST_F(DesksTest, PurgesAreThereInTheirOrderAfterARestart) {
  const farm::ContentKey a{1, 2};
  const farm::ContentKey b{3, 4};
  ASSERT_TRUE(PurgeJournal(*store_).Append("films", {a}, {"http://films.example/a"}, "ann").ok());
  ASSERT_TRUE(PurgeJournal(*store_).Append("films", {a, b}, {}, "ann").ok());
  Restart();
  const auto entries = PurgeJournal(*store_).After("films", 0);
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ(entries->front(), (farm::Purged{"films", 1, {a}}));
  EXPECT_EQ(entries->back(), (farm::Purged{"films", 2, {a, b}}));
  EXPECT_EQ(PurgeJournal(*store_).After("films", 1)->size(), 1u);
  EXPECT_TRUE(PurgeJournal(*store_).After("songs", 0)->empty());
}

// Of a site's purge log, records of no keys.
void Fill(store::Store& store, const std::string& log, size_t records) {
  store::IntentBatch batch;
  for (size_t i = 0; i < records; ++i) batch.appends.push_back({log, ""});
  ASSERT_TRUE(store.Commit(batch).ok());
}

std::vector<uint64_t> PositionsOf(store::Store& store, const std::string& log) {
  std::vector<uint64_t> positions;
  EXPECT_TRUE(store
                  .VisitLog(log, 1,
                            [&positions](uint64_t position, std::string_view) {
                              positions.push_back(position);
                              return true;
                            })
                  .ok());
  return positions;
}

TEST_F(DesksTest, WhoIsToldTheEndOfALongLogKnowsThatHeHasNotAll) {
  Fill(*store_, "films", farm::kPurgesKept + 100);
  const auto entries = PurgeJournal(*store_).After("films", 0);
  ASSERT_TRUE(entries.ok());
  farm::SiteLedger ledger;
  farm::Site site = SiteOf("films", "films.example");
  site.version = 1;
  ASSERT_TRUE(ledger.Apply(farm::SiteApplied{site}));
  for (farm::Purged entry : *entries) {
    entry.keys = {{1, 2}};
    EXPECT_TRUE(ledger.Apply(entry));
  }
  EXPECT_EQ(ledger.FindLog("films")->position, farm::kPurgesKept + 100);
  EXPECT_EQ(ledger.FindLog("films")->forgotten, 100u);
}

TEST_F(DesksTest, OldPurgesGoWhenTheLogIsLong) {
  Fill(*store_, "films", kPurgesTold + 100);
  Fill(*store_, "songs", 10);
  PurgeJournal purges(*store_);
  const auto entry = purges.Append("films", {}, {}, "ann");
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ(entry->position, kPurgesTold + 101);
  EXPECT_EQ(PositionsOf(*store_, "films").size(), kPurgesTold + 1);
  EXPECT_EQ(PositionsOf(*store_, "films").front(), 101u);
  ASSERT_TRUE(purges.Append("songs", {}, {}, "ann").ok());
  EXPECT_EQ(PositionsOf(*store_, "songs").size(), 11u);
}

TEST_F(DesksTest, OldOrdersGoFromTheAudit) {
  Fill(*store_, "AUDIT", 100);
  AuditLog audit(*store_, 3);
  ASSERT_TRUE(audit.Add({0, 0, "ann", "192.0.2.9", "one", "ok"}).ok());
  ASSERT_TRUE(audit.Add({0, 0, "ann", "192.0.2.9", "two", "ok"}).ok());
  const auto all = audit.Last(kAuditShownMax);
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->size(), 5u) << "it is looked at now and then";
  EXPECT_EQ(all->back().what, "two");
  EXPECT_EQ(all->back().position, 102u);
}

TEST_F(DesksTest, TheAuditShowsTheLastOrders) {
  AuditLog audit(*store_);
  for (const char* what : {"one", "two", "three"}) {
    ASSERT_TRUE(audit.Add({0, 0, "ann", "192.0.2.9", what, "ok"}).ok());
  }
  const auto last = audit.Last(2);
  ASSERT_TRUE(last.ok());
  ASSERT_EQ(last->size(), 2u);
  EXPECT_EQ(last->front().what, "two");
  EXPECT_EQ(last->back().position, 3u);
}

}  // namespace
}  // namespace strata::manager::control

#include "service_manager/restore/restore.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "common/random.h"
#include "farm/backup/backup_writer.h"
#include "service_manager/control/manager_book.h"
#include "service_manager/control/purge_journal.h"
#include "service_manager/control/registrar.h"
#include "service_manager/control/restored_purges.h"
#include "service_manager/control/site_desk.h"
#include "service_manager/restore/rebase.h"
#include "service_manager/store/mirrored_store.h"
#include "service_manager/store/rocks_store.h"

namespace strata::manager::restore {
namespace {

namespace fs = std::filesystem;
using farm::backup::BackupWriter;

constexpr char kScope[] = "cdn-one/lan-a";
const Bytes kInstance(control::kInstanceBytes, 1);

class RestoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/restore.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::unique_ptr<store::RocksStore> OpenStore(const std::string& folder) {
    store::RocksStore::Options options;
    options.folder = folder;
    auto store = store::RocksStore::Open(std::move(options));
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }
  std::string Data() const { return folder_ + "/data"; }
  std::string Backup() const { return folder_ + "/backup"; }

  // As a manager gives it.
  void MakeBackup(store::Store& store) const {
    const auto writer = BackupWriter::Create(Backup());
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE(store
                    .VisitIntents([&](std::string_view key, std::string_view value) {
                      return (*writer)->Add(key, value).ok();
                    })
                    .ok());
    farm::backup::Manifest facts;
    facts.scope = kScope;
    ASSERT_TRUE((*writer)->Finish(facts).ok());
  }
  StatusOr<std::string> Run(const std::string& scope = kScope) const {
    return Restore({.backup = Backup(), .data_folder = Data(), .scope = scope});
  }
  static farm::Site Films() {
    farm::Site site;
    site.name = "films";
    site.hosts = {"films.example"};
    return site;
  }
  static farm::EngineInfo North() {
    farm::EngineInfo engine;
    engine.name = "north-1";
    engine.clients = {{.ip = IpAddress::V4(192, 0, 2, 1), .port = 80}};
    return engine;
  }
  // A store with a site, an engine, and two purges.
  std::unique_ptr<store::RocksStore> Filled() {
    auto store = OpenStore(folder_ + "/old");
    const auto registrar = control::Registrar::Open(*store, random_);
    EXPECT_TRUE(registrar.ok());
    group_ = (*registrar)->group_id();
    EXPECT_TRUE((*registrar)->Register(North(), kInstance).ok());
    control::ManagerBook book(*store);
    EXPECT_TRUE(book.Enroll("sm-1", "192.0.2.1:7400").ok());
    EXPECT_TRUE(book.Enroll("sm-2", "192.0.2.2:7400").ok());
    const auto desk = control::SiteDesk::Open(*store);
    EXPECT_TRUE((*desk)->Apply(Films(), "name: films", "ann").ok());
    control::PurgeJournal journal(*store);
    for (uint64_t high = 1; high <= 2; ++high) {
      EXPECT_TRUE(journal.Append("films", {{high, 1}}, {"uri"}, "ann").ok());
    }
    return store;
  }

  SeededRandom random_{1};
  std::string folder_;
  uint64_t group_ = 0;
};

TEST_F(RestoreTest, BringsBackAllIntentInANewGroup) {
  {
    const auto store = Filled();
    MakeBackup(*store);
  }
  const StatusOr<std::string> done = Run();
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_NE(done->find("1 sites, 1 engines"), std::string::npos) << *done;
  const auto store = OpenStore(Data() + "/store");
  EXPECT_TRUE(*control::Registrar::IsOfAFarm(*store));
  const auto registrar = control::Registrar::Open(*store, random_);
  ASSERT_TRUE(registrar.ok()) << registrar.status();
  EXPECT_NE((*registrar)->group_id(), group_);
  control::ManagerBook book(*store);
  ASSERT_TRUE(book.Load().ok());
  EXPECT_TRUE(book.all().empty()) << "it waits for no other manager";
  const auto desk = control::SiteDesk::Open(*store);
  ASSERT_TRUE(desk.ok()) << desk.status();
  EXPECT_EQ((*desk)->Find("films", 0)->yaml, "name: films");
  EXPECT_EQ((*desk)->Versions("films")->size(), 2u) << "the old one, and the same once more";
  control::PurgeJournal journal(*store);
  EXPECT_EQ(journal.After("films", 0)->size(), 2u);
}

TEST_F(RestoreTest, TheRestoredManagerIsTheOnlyOneOfItsFarm) {
  {
    const auto store = Filled();
    control::ManagerBook book(*store);
    ASSERT_TRUE(book.Enroll("sm-1", "192.0.2.1:7400").ok());
    ASSERT_TRUE(book.Enroll("sm-2", "192.0.2.2:7400").ok());
    MakeBackup(*store);
  }
  ASSERT_TRUE(Run().ok());
  const auto store = OpenStore(Data() + "/store");
  control::ManagerBook book(*store);
  ASSERT_TRUE(book.Load().ok());
  EXPECT_TRUE(book.all().empty());
}

TEST_F(RestoreTest, WhatIsOrderedFromNowOnIsNewer) {
  {
    const auto store = Filled();
    MakeBackup(*store);
  }
  ASSERT_TRUE(Run().ok());
  const auto store = OpenStore(Data() + "/store");
  const auto desk = control::SiteDesk::Open(*store);
  EXPECT_EQ((*desk)->Find("films", 0)->site.version, 1 + kVersionsAhead);
  farm::Site changed = Films();
  changed.hosts = {"other.example"};
  EXPECT_EQ((*desk)->Apply(changed, "", "ann")->site.version, 2 + kVersionsAhead);
  control::PurgeJournal journal(*store);
  EXPECT_EQ(journal.Append("films", {{3, 1}}, {"uri"}, "ann")->position, 3 + kPurgesAhead);
  const auto registrar = control::Registrar::Open(*store, random_);
  EXPECT_EQ((*registrar)->CheckRenewal("north-1", kInstance, 1).code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ((*registrar)->Register(North(), kInstance)->registration, 2 + kRegistrationsAhead);
  farm::EngineInfo other = North();
  other.name = "north-2";
  EXPECT_EQ((*registrar)->Register(other, kInstance)->info.id.value(), 102 + kEngineIdsAhead);
}

TEST_F(RestoreTest, PurgesThatWereLostEmptyTheSiteOnce) {
  {
    const auto store = Filled();
    MakeBackup(*store);
  }
  ASSERT_TRUE(Run().ok());
  const auto store = OpenStore(Data() + "/store");
  control::RestoredPurges restored(*store);
  control::PurgeJournal journal(*store);
  EXPECT_FALSE(*restored.OnPurgedUpTo("films", 2)) << "as the backup has it";
  EXPECT_FALSE(*restored.OnPurgedUpTo("nothing", 7));
  EXPECT_EQ(journal.After("films", 2)->size(), 0u);
  EXPECT_TRUE(*restored.OnPurgedUpTo("films", 3));
  EXPECT_FALSE(*restored.OnPurgedUpTo("films", 4)) << "once";
  const auto entries = journal.After("films", 2);
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ(entries->front().position, 3 + kPurgesAhead);
  EXPECT_TRUE(entries->front().keys.empty());
}

TEST_F(RestoreTest, WhatWasPurgedAfterTheRestorationIsNotLost) {
  {
    const auto store = Filled();
    MakeBackup(*store);
  }
  ASSERT_TRUE(Run().ok());
  const auto store = OpenStore(Data() + "/store");
  control::PurgeJournal journal(*store);
  const auto order = journal.Append("films", {{3, 1}}, {"uri"}, "ann");
  control::RestoredPurges restored(*store);
  EXPECT_FALSE(*restored.OnPurgedUpTo("films", order->position));
}

TEST_F(RestoreTest, AManagerOfTheOldFarmTakesAWholeCopy) {
  {
    const auto own = Filled();
    const auto mirrored = store::MirroredStore::Open(*own, std::chrono::seconds(1));
    ASSERT_TRUE((*mirrored)->Lead(7).ok());
    store::IntentBatch batch;
    batch.puts.push_back({"test", "key", "value"});
    ASSERT_TRUE((*mirrored)->Commit(batch).ok());
    MakeBackup(**mirrored);
  }
  ASSERT_TRUE(Run().ok());
  const auto own = OpenStore(Data() + "/store");
  const auto mirrored = store::MirroredStore::Open(*own, std::chrono::seconds(1));
  EXPECT_EQ((*mirrored)->position().term, 7 + kTermsAhead);
}

TEST_F(RestoreTest, ABackupOfWhatWasRestoredIsRestoredToo) {
  {
    const auto store = Filled();
    MakeBackup(*store);
  }
  ASSERT_TRUE(Run().ok());
  fs::remove_all(Backup());
  MakeBackup(*OpenStore(Data() + "/store"));
  fs::remove_all(Data());
  ASSERT_TRUE(Run().ok());
  const auto store = OpenStore(Data() + "/store");
  control::PurgeJournal journal(*store);
  EXPECT_EQ(journal.Append("films", {{3, 1}}, {"uri"}, "ann")->position, 3 + 2 * kPurgesAhead);
}

TEST_F(RestoreTest, RefusesAFolderThatIsNotEmptyAndAnotherScope) {
  MakeBackup(*Filled());
  const Status scope = Run("cdn-one/lan-b").status();
  EXPECT_EQ(scope.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(MessageOf(scope).find(kScope), std::string::npos);
  EXPECT_FALSE(fs::exists(Data()));
  fs::create_directory(Data());
  std::ofstream(Data() + "/group_state") << "x";
  const Status full = Run().status();
  EXPECT_EQ(full.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(MessageOf(full).find("group_state"), std::string::npos);
}

TEST_F(RestoreTest, RefusesADamagedBackupBeforeItWritesAnything) {
  MakeBackup(*Filled());
  std::fstream part(Backup() + "/intents-000001", std::ios::in | std::ios::out | std::ios::binary);
  part.seekp(100);
  part.put('\x7f');
  part.close();
  EXPECT_EQ(Run().status().code(), StatusCode::kDataLoss);
  EXPECT_FALSE(fs::exists(Data()));
}

TEST_F(RestoreTest, AnAttemptThatWasCutOffDoesNotKeepTheNext) {
  MakeBackup(*Filled());
  fs::create_directories(Data() + "/store.restoring/half");
  EXPECT_TRUE(Run().ok());
  EXPECT_FALSE(fs::exists(Data() + "/store.restoring"));
}

}  // namespace
}  // namespace strata::manager::restore

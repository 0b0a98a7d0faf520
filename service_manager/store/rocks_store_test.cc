#include "service_manager/store/rocks_store.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "absl/functional/function_ref.h"
#include "farm/asset.h"
#include "service_manager/store/limits.h"
#include "service_manager/store/power_cut_file_system.h"

namespace strata::manager::store {
namespace {

using directory::Holder;

class RocksStoreTest : public testing::Test {
 protected:
  RocksStoreTest()
      : folder_(testing::TempDir() + "/" +
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(folder_);
  }
  ~RocksStoreTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Open() {
    store_.reset();
    auto opened = RocksStore::Open({.folder = folder_});
    ASSERT_TRUE(opened.ok()) << MessageOf(opened.status());
    store_ = *std::move(opened);
  }

  // Opening must fail with this code, and the text must name the folder and say this.
  void ExpectRefusal(StatusCode code, const std::string& says, rocksdb::Env* env = nullptr) {
    const auto opened = RocksStore::Open({.folder = folder_, .on_synced = [] {}, .env = env});
    ASSERT_FALSE(opened.ok());
    const std::string text = MessageOf(opened.status());
    EXPECT_EQ(opened.status().code(), code) << text;
    EXPECT_NE(text.find(folder_), std::string::npos) << text;
    EXPECT_NE(text.find(says), std::string::npos) << text;
  }

  void CommitSites(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string name = "site" + std::to_string(i);
      ASSERT_TRUE(store_->Commit({.puts = {{"sites", name, std::string(100, 'x')}}}).ok());
    }
  }

  // Closes the store and opens what lies beneath.
  void WithRaw(absl::FunctionRef<void(rocksdb::DB&)> use) {
    store_.reset();
    rocksdb::DB* raw = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const char* name : {"default", "intents", "locations", "uris"}) {
      families.push_back({name, {}});
    }
    ASSERT_TRUE(rocksdb::DB::Open({}, folder_, families, &handles, &raw).ok());
    use(*raw);
    for (auto* handle : handles) raw->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    delete raw;
  }

  std::string LargestFileEndingWith(const std::string& suffix) {
    std::string largest;
    uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      const std::string path = entry.path();
      if (!path.ends_with(suffix) || entry.file_size() <= bytes) continue;
      largest = path;
      bytes = entry.file_size();
    }
    EXPECT_GT(bytes, 0u) << "no " << suffix;
    return largest;
  }

  void Damage(const std::string& path, double where) {
    const auto bytes = static_cast<double>(std::filesystem::file_size(path));
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(bytes * where));
    file.write("damage", 6);
  }

  const std::string folder_;
  std::unique_ptr<RocksStore> store_;
};

StoredLocation Stored(uint64_t n, uint32_t holder) {
  return {.key = {.high = n << 56, .low = n},
          .location = {.holder = Holder(holder), .flags = directory::kComplete},
          .size_bytes = n,
          .remaining = std::chrono::seconds(n),
          .validator = "v" + std::to_string(n)};
}

LocationBatch BatchOf(ChildPosition position) {
  LocationBatch batch;
  batch.positions.push_back(std::move(position));
  return batch;
}

TEST_F(RocksStoreTest, KeepsTablesAcrossARestart) {
  Open();
  ASSERT_TRUE(
      store_->Commit({.puts = {{"sites", "a", "1"}, {"sites", "b", "2"}, {"s", "a", "3"}}}).ok());
  ASSERT_TRUE(store_->Commit({.puts = {{"sites", "c", "4"}}, .deletes = {{"sites", "a"}}}).ok());
  Open();
  EXPECT_EQ(*store_->Get("sites", "a"), std::nullopt);
  EXPECT_EQ(*store_->Get("sites", "b"), "2");
  EXPECT_EQ(*store_->Get("s", "a"), "3");
  std::string seen;
  ASSERT_TRUE(store_
                  ->VisitTable("sites",
                               [&](std::string_view key, std::string_view value) {
                                 seen.append(key).append(value);
                                 return true;
                               })
                  .ok());
  EXPECT_EQ(seen, "b2c4");
}

TEST_F(RocksStoreTest, NumbersALogFromOneAndNeverTwice) {
  Open();
  EXPECT_EQ(*store_->Commit({.appends = {{"p", "a"}, {"q", "b"}, {"p", "c"}}}),
            (std::vector<uint64_t>{1, 1, 2}));
  Open();
  EXPECT_EQ(*store_->Commit({.appends = {{"p", "d"}}, .trims = {{"p", 3}}}),
            std::vector<uint64_t>{3});
  ASSERT_TRUE(store_->Commit({.trims = {{"p", 4}}}).ok());
  Open();
  EXPECT_EQ(*store_->Commit({.appends = {{"p", "e"}}}), std::vector<uint64_t>{4});
  EXPECT_EQ(*store_->LastPosition("p"), 4U);
  EXPECT_EQ(*store_->LastPosition("r"), 0U);
  EXPECT_EQ(*store_->Commit({.appends = {{"p", "f", 9}, {"p", "g"}}}),
            (std::vector<uint64_t>{9, 10}));
  EXPECT_EQ(store_->Commit({.appends = {{"p", "h", 10}}}).status().code(),
            StatusCode::kInvalidArgument);
  ASSERT_TRUE(store_->Commit({.appends = {{"q", "b"}}, .trims = {{"q", kWholeLog}}}).ok());
  EXPECT_EQ(*store_->LastPosition("q"), 0U);
  EXPECT_EQ(*store_->Commit({.appends = {{"q", "c"}}}), std::vector<uint64_t>{1});
  std::vector<std::pair<uint64_t, std::string>> seen;
  ASSERT_TRUE(store_
                  ->VisitLog("p", 0,
                             [&](uint64_t position, std::string_view record) {
                               seen.emplace_back(position, record);
                               return true;
                             })
                  .ok());
  EXPECT_EQ(seen, (std::vector<std::pair<uint64_t, std::string>>{{4, "e"}, {9, "f"}, {10, "g"}}));
}

TEST_F(RocksStoreTest, RefusesNamesAndRecordsOutOfBoundsWithoutWriting) {
  Open();
  for (const std::string& name :
       {std::string(), std::string(kNameBytesMax + 1, 'x'), std::string("a\0b", 3)}) {
    EXPECT_EQ(store_->Commit({.puts = {{"fine", "a", "b"}, {name, "k", "v"}}}).status().code(),
              StatusCode::kInvalidArgument);
    EXPECT_EQ(store_->Commit({.appends = {{name, "v"}}}).status().code(),
              StatusCode::kInvalidArgument);
  }
  EXPECT_FALSE(store_->Commit({.puts = {{"t", "k", std::string(kIntentBytesMax, 'x')}}}).ok());
  StoredLocation stored = Stored(1, 1);
  stored.validator.resize(farm::kMaxValidator + 1);
  EXPECT_FALSE(store_->Apply({.stored = {stored}}).ok());
  EXPECT_EQ(*store_->Get("fine", "a"), std::nullopt);
  EXPECT_TRUE(store_->Commit({.puts = {{"t", "k", "v"}}}).ok()) << "and goes on";
}

TEST_F(RocksStoreTest, ACopyHasAllIntentAndGoesOnWhereTheFirstOneIs) {
  ASSERT_NO_FATAL_FAILURE(Open());
  ASSERT_TRUE(
      store_->Commit({.puts = {{"sites", "films", "v1"}}, .appends = {{"audit", "a"}}}).ok());
  ASSERT_TRUE(store_->Commit({.appends = {{"audit", "b"}}, .trims = {{"audit", 2}}}).ok());
  std::vector<IntentRecord> records;
  const auto take = [&](std::string_view key, std::string_view value) {
    records.push_back({std::string(key), std::string(value)});
    return true;
  };
  ASSERT_TRUE(store_->VisitIntents(take).ok());

  store_.reset();
  std::filesystem::remove_all(folder_);
  ASSERT_NO_FATAL_FAILURE(Open());
  ASSERT_TRUE(store_->Commit({.puts = {{"sites", "old", "v9"}}, .appends = {{"audit", "x"}}}).ok());
  ASSERT_TRUE(store_->ReplaceIntents(records).ok());
  ASSERT_NO_FATAL_FAILURE(Open());
  EXPECT_EQ(*store_->Get("sites", "films"), "v1");
  EXPECT_EQ(*store_->Get("sites", "old"), std::nullopt);
  const auto positions = store_->Commit({.appends = {{"audit", "c"}}});
  ASSERT_TRUE(positions.ok());
  EXPECT_EQ(*positions, std::vector<uint64_t>{3});
}

TEST_F(RocksStoreTest, RefusesRecordsThatAreNoIntent) {
  ASSERT_NO_FATAL_FAILURE(Open());
  ASSERT_NO_FATAL_FAILURE(CommitSites(1));
  EXPECT_EQ(store_->ReplaceIntents({{"zz", "?"}}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->ReplaceIntents({{"", "?"}}).code(), StatusCode::kInvalidArgument);
  EXPECT_NE(*store_->Get("sites", "site0"), std::nullopt);
}

TEST_F(RocksStoreTest, KeepsLocationsAndUrisAcrossARestart) {
  Open();
  EXPECT_EQ(*store_->Apply({.stored = {Stored(1, 1), Stored(1, 2), Stored(200, 1)},
                            .gone = {},
                            .uris = {{Stored(1, 1).key, "http://a/"}}}),
            1u);
  EXPECT_EQ(*store_->Apply({.stored = {}, .gone = {{Stored(1, 2).key, Holder(2)}}, .uris = {}}),
            2u);
  ASSERT_TRUE(store_->Sync().ok());
  EXPECT_EQ(store_->SyncedUpTo(), 2u);
  Open();
  EXPECT_EQ(*store_->FindLocation(Stored(1, 1).key, Holder(1)), Stored(1, 1));
  EXPECT_EQ(*store_->FindLocation(Stored(1, 2).key, Holder(2)), std::nullopt);
  EXPECT_EQ(*store_->FindUri(Stored(1, 1).key), "http://a/");
  uint64_t seen = 0;
  ASSERT_TRUE(store_->VisitLocations(0, 199, [&](const RecordHead&) { ++seen; }).ok());
  EXPECT_EQ(seen, 1u);
  ASSERT_TRUE(store_
                  ->VisitLocations(200, 255,
                                   [&](const RecordHead& head) {
                                     EXPECT_EQ(head.key, Stored(200, 1).key);
                                     EXPECT_EQ(head.location, Stored(200, 1).location);
                                     ++seen;
                                   })
                  .ok());
  EXPECT_EQ(seen, 2u);
}

TEST_F(RocksStoreTest, WritesNothingThatLiesThereLikeThat) {
  StoredLocation library = Stored(1, 1);
  library.remaining.reset();
  const StoredLocation cached = Stored(2, 1);
  LocationBatch batch = {.stored = {library}, .gone = {}, .uris = {{library.key, "http://a/"}}};
  Open();
  EXPECT_EQ(*store_->Apply(batch), 1u);
  EXPECT_EQ(*store_->Apply(batch), 1u);
  Open();
  EXPECT_EQ(*store_->Apply(batch), 0u);
  batch.stored[0].validator = "another";
  EXPECT_EQ(*store_->Apply(batch), 1u);
  EXPECT_EQ(*store_->FindLocation(library.key, Holder(1)), batch.stored[0]);
  // Its time counts from when it is written.
  EXPECT_EQ(*store_->Apply({.stored = {cached}}), 2u);
  EXPECT_EQ(*store_->Apply({.stored = {cached}}), 3u);
  EXPECT_EQ(*store_->Apply({.stored = {}, .gone = {}, .uris = {{library.key, ""}}}), 4u);
  EXPECT_EQ(*store_->FindUri(library.key), std::nullopt);
}

TEST_F(RocksStoreTest, OfManyLocationsOnlyThoseThatChangedAreOthersThen) {
  const auto location = [](uint64_t n, uint64_t size) {
    StoredLocation stored = Stored(n % 256, 1);
    stored.key.low = n;
    stored.remaining.reset();
    stored.size_bytes = size;
    return stored;
  };
  constexpr uint64_t kMany = 1000;  // Several groups of look-ups.
  LocationBatch batch;
  for (uint64_t n = 0; n < kMany; ++n) batch.stored.push_back(location(n, 1));
  Open();
  ASSERT_TRUE(store_->Apply(batch).ok());
  for (uint64_t n = 0; n < kMany; n += 7) batch.stored[n] = location(n, 2);
  ASSERT_TRUE(store_->Apply(batch).ok());
  for (const StoredLocation& stored : batch.stored) {
    EXPECT_EQ(*store_->FindLocation(stored.key, Holder(1)), stored);
  }
}

TEST_F(RocksStoreTest, RefusesAStoreOfANewerVersion) {
  Open();
  WithRaw([](rocksdb::DB& raw) { ASSERT_TRUE(raw.Put({}, "format", "3").ok()); });
  ExpectRefusal(StatusCode::kFailedPrecondition, "newer version");
}

TEST_F(RocksStoreTest, KeepsThePositionsOfFeedsUntilTheyAreForgotten) {
  const ChildPosition one{"cdn-one", 7, 1};
  const ChildPosition two{"cdn-two", 3, 9};
  const ChildPosition later{"cdn-one", 8, 2};
  Open();
  EXPECT_TRUE(store_->ChildPositions()->empty());
  ASSERT_TRUE(store_->Apply(BatchOf(two)).ok());
  EXPECT_EQ(*store_->Apply(BatchOf(one)), 2u) << "a position alone is something to write";
  EXPECT_EQ(*store_->ChildPositions(), (std::vector<ChildPosition>{one, two}));
  ASSERT_TRUE(store_->Apply(BatchOf(later)).ok());
  Open();
  EXPECT_EQ(*store_->ChildPositions(), (std::vector<ChildPosition>{later, two}));
  LocationBatch gone;
  gone.forgotten = {"cdn-one", "cdn-nine"};
  ASSERT_TRUE(store_->Apply(gone).ok());
  Open();
  EXPECT_EQ(*store_->ChildPositions(), std::vector<ChildPosition>{two});
}

TEST_F(RocksStoreTest, HasALimitOfFeeds) {
  LocationBatch many;
  for (size_t i = 0; i < kFeedsMax; ++i) many.positions.push_back({std::to_string(i), 1, 1});
  LocationBatch more = BatchOf({"more", 1, 1});
  more.stored.push_back(Stored(1, 1));
  Open();
  ASSERT_TRUE(store_->Apply(many).ok());
  Open();
  EXPECT_EQ(store_->Apply(more).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(*store_->FindLocation(Stored(1, 1).key, Holder(1)), std::nullopt);
  EXPECT_TRUE(store_->Apply(BatchOf({"0", 1, 2})).ok()) << "one that is there";
  LocationBatch gone;
  gone.forgotten.push_back("1");
  ASSERT_TRUE(store_->Apply(gone).ok());
  EXPECT_TRUE(store_->Apply(more).ok());
}

TEST_F(RocksStoreTest, RefusesFeedsOfChildrenWithoutAProperName) {
  Open();
  EXPECT_FALSE(store_->Apply(BatchOf({"", 1, 1})).ok());
  EXPECT_FALSE(store_->Apply(BatchOf({std::string(kScopeBytesMax + 1, 'x'), 1, 1})).ok());
  EXPECT_TRUE(store_->Apply(BatchOf({std::string(kScopeBytesMax, 'x'), 1, 1})).ok());
}

TEST_F(RocksStoreTest, RefusesAStoreWithAPositionThatCannotBeRead) {
  Open();
  WithRaw([](rocksdb::DB& raw) { ASSERT_TRUE(raw.Put({}, "feed/cdn-one", "?").ok()); });
  ExpectRefusal(StatusCode::kDataLoss, "the position of a feed");
}

TEST_F(RocksStoreTest, IsForProgramsWithoutFeedsUntilAFeedHasAPosition) {
  const auto format = [this] {
    std::string number;
    WithRaw([&](rocksdb::DB& raw) { ASSERT_TRUE(raw.Get({}, "format", &number).ok()); });
    return number;
  };
  Open();
  ASSERT_TRUE(store_->Apply({.stored = {Stored(1, 1)}}).ok());
  EXPECT_EQ(format(), "1");
  Open();
  EXPECT_EQ(*store_->FindLocation(Stored(1, 1).key, Holder(1)), Stored(1, 1));
  ASSERT_TRUE(store_->Apply(BatchOf(ChildPosition{"cdn-one", 1, 1})).ok());
  EXPECT_EQ(format(), "2");
  Open();
  EXPECT_EQ(store_->ChildPositions()->size(), 1u);
}

TEST_F(RocksStoreTest, RefusesAStoreThatAnotherProcessUses) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto opened = RocksStore::Open({.folder = folder_});
    const char result = opened.ok() ? 'y' : 'n';
    if (write(pipe_ends[1], &result, 1) == 1) pause();
    _exit(0);
  }
  char result = 0;
  ASSERT_EQ(read(pipe_ends[0], &result, 1), 1);
  EXPECT_EQ(result, 'y');
  ExpectRefusal(StatusCode::kUnavailable, "in use");
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  Open();
}

TEST_F(RocksStoreTest, RefusesAStoreOnAReadOnlyDisk) {
  Open();
  CommitSites(3);
  store_.reset();
  const auto files = std::make_shared<PowerCutFileSystem>(1);
  const auto env = rocksdb::NewCompositeEnv(files);
  files->SetReadOnly(true);
  ExpectRefusal(StatusCode::kPermissionDenied, "Read-only", env.get());
  files->SetReadOnly(false);
  Open();
}

TEST_F(RocksStoreTest, SaysTheSameErrorAfterAWriteFailed) {
  const auto files = std::make_shared<PowerCutFileSystem>(1);
  const auto env = rocksdb::NewCompositeEnv(files);
  auto opened = RocksStore::Open({.folder = folder_, .on_synced = [] {}, .env = env.get()});
  ASSERT_TRUE(opened.ok()) << MessageOf(opened.status());
  files->SetReadOnly(true);
  EXPECT_FALSE((*opened)->Commit({.puts = {{"t", "k", "v"}}}).ok());
  EXPECT_FALSE((*opened)->Apply({.stored = {Stored(1, 1)}}).ok());
  EXPECT_EQ((*opened)->SyncedUpTo(), 0u);
}

TEST_F(RocksStoreTest, RefusesAFolderOfOtherThings) {
  std::filesystem::create_directories(folder_);
  std::ofstream(folder_ + "/letter.txt") << "dear";
  ExpectRefusal(StatusCode::kFailedPrecondition, "no store");
}

TEST_F(RocksStoreTest, RefusesAStoreWithoutItsBeginning) {
  Open();
  CommitSites(3);
  store_.reset();
  std::filesystem::remove(folder_ + "/CURRENT");
  ExpectRefusal(StatusCode::kDataLoss, "CURRENT");
}

TEST_F(RocksStoreTest, RefusesAStoreWhoseLogIsDamaged) {
  Open();
  CommitSites(50);
  store_.reset();
  Damage(LargestFileEndingWith(".log"), 0.5);
  ExpectRefusal(StatusCode::kDataLoss, "50 intents were committed");
}

TEST_F(RocksStoreTest, RefusesAStoreWhoseLogIsGone) {
  Open();
  CommitSites(50);
  store_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    if (entry.path().extension() == ".log") std::filesystem::remove(entry.path());
  }
  ExpectRefusal(StatusCode::kDataLoss, "corrupt");
}

TEST_F(RocksStoreTest, RefusesAStoreWithADamagedManifest) {
  Open();
  CommitSites(3);
  store_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    if (entry.path().filename().string().starts_with("MANIFEST-")) Damage(entry.path(), 0.3);
  }
  ExpectRefusal(StatusCode::kDataLoss, "corrupt");
}

TEST_F(RocksStoreTest, SaysSoWhenLocationsCannotBeRead) {
  auto opened = RocksStore::Open(
      {.folder = folder_, .on_synced = [] {}, .env = nullptr, .write_buffer_bytes = 64 << 10});
  ASSERT_TRUE(opened.ok());
  for (uint64_t n = 0; n < 20000; ++n)
    ASSERT_TRUE((*opened)->Apply({.stored = {Stored(n, 1)}}).ok());
  opened->reset();
  Open();  // What was in the log is in a table then.
  store_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    if (entry.path().extension() == ".sst") Damage(entry.path(), 0.3);
  }
  opened = RocksStore::Open({.folder = folder_});
  if (!opened.ok()) {
    EXPECT_EQ(opened.status().code(), StatusCode::kDataLoss);
    return;
  }
  const Status read = (*opened)->VisitLocations(0, 255, [](const RecordHead&) {});
  EXPECT_EQ(read.code(), StatusCode::kDataLoss) << MessageOf(read);
}

}  // namespace
}  // namespace strata::manager::store

#include "service_manager/locating/local_directory.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/random.h"
#include "farm/content_identity.h"
#include "service_manager/locating/limits.h"
#include "service_manager/store/rocks_store.h"

namespace strata::manager::locating {
namespace {

using directory::Holder;
using federation::LocalCopies;
using federation::LocatedCopy;
using std::chrono::minutes;
using std::chrono::seconds;

const std::string kUri = "http://films.example/one";
const farm::ContentKey kKey = farm::KeyOf(kUri);

class LocalDirectoryTest : public testing::Test {
 protected:
  LocalDirectoryTest() {
    LocalDirectory::Options options{
        .scope = "cdn/lan",
        .engine = [this](Holder holder) -> std::optional<LocalDirectory::Engine> {
          if (holder.value() == 9) return std::nullopt;
          return LocalDirectory::Engine{.name = "e" + std::to_string(holder.value()),
                                        .clients = {client_},
                                        .heard_of = holder.value() != 2};
        },
        .stale = [](std::string_view scope) { return scope == "cdn/dc-two"; },
        .untold = [] { return std::vector<std::string>{"cdn/dc-three"}; }};
    directory_ = *LocalDirectory::Open(std::move(options), index_, holders_, *store_);
  }
  ~LocalDirectoryTest() override {
    directory_.reset();
    std::filesystem::remove_all(folder_);
  }
  static std::string NewFolder() {
    std::string path = ::testing::TempDir() + "/directory-XXXXXX";
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    return path;
  }
  void Put(uint32_t holder, uint64_t size, std::optional<Duration> remaining = std::nullopt) {
    const directory::Location location{Holder(holder), directory::kComplete};
    index_.Add(kKey, location);
    ASSERT_TRUE(store_
                    ->Apply({.stored = {{.key = kKey,
                                         .location = location,
                                         .size_bytes = size,
                                         .remaining = remaining}}})
                    .ok());
  }
  uint32_t Enroll(const std::string& child, const federation::HolderName& name) {
    const control::HolderBook::Told told{.name = name, .clients = {client_}};
    return (*holders_.Enroll(child, {&told, 1}))[0].value();
  }

  const std::string folder_ = NewFolder();
  const Endpoint client_ = *Endpoint::Parse("192.0.2.1:80");
  SeededRandom random_{1};
  directory::LocationIndex index_{random_};
  const std::unique_ptr<store::RocksStore> store_ = *store::RocksStore::Open({.folder = folder_});
  control::HolderBook holders_{*store_};
  std::unique_ptr<LocalDirectory> directory_;
};

TEST_F(LocalDirectoryTest, NamesEnginesOfTheFarmAndHoldersOfChildren) {
  Put(1, 100, minutes(2));
  Put(2, 100, minutes(1));
  Put(9, 100);
  Put(Enroll("cdn/dc-one", {"cdn/dc-one/lan", "north"}), 50);
  Put(Enroll("cdn/dc-two", {"cdn/dc-two", ""}), 0);
  const LocalCopies local = directory_->Look(kKey);
  const auto copy = [&](std::string scope, std::string engine, uint64_t size, bool stale) {
    return LocatedCopy{.holder = {std::move(scope), std::move(engine)},
                       .clients = {client_},
                       .flags = directory::kComplete,
                       .size = size,
                       .stale = stale};
  };
  std::map<federation::HolderName, LocatedCopy> found;
  for (const LocatedCopy& one : local.copies) found.emplace(one.holder, one);
  ASSERT_EQ(found.size(), 4U) << "engine 9 serves nobody";
  for (const LocatedCopy& wanted :
       {copy("cdn/lan", "e1", 100, false), copy("cdn/lan", "e2", 100, true),
        copy("cdn/dc-one/lan", "north", 50, false), copy("cdn/dc-two", "", 0, true)}) {
    EXPECT_EQ(found[wanted.holder], wanted) << ToString(wanted.holder);
  }
  EXPECT_EQ(local.untold, std::vector<std::string>{"cdn/dc-three"});
  EXPECT_EQ(local.lifetime, minutes(1));
}

TEST_F(LocalDirectoryTest, KnowsNothingOfWhatNobodyHas) {
  const LocalCopies local = directory_->Look(kKey);
  EXPECT_TRUE(local.copies.empty());
  EXPECT_EQ(local.lifetime, Duration::max());
}

TEST_F(LocalDirectoryTest, ReadsDetailsOfAFewOnly) {
  for (uint32_t holder = 100; holder < 100 + 3 * kDetailsMax; ++holder) Put(holder, 7);
  size_t detailed = 0;
  for (const LocatedCopy& copy : directory_->Look(kKey).copies) detailed += copy.size == 7;
  EXPECT_EQ(detailed, kDetailsMax);
}

TEST_F(LocalDirectoryTest, OfMoreCopiesThanAnAnswerMayNameThereIsOneMore) {
  for (uint32_t holder = 100; holder < 1400; ++holder) index_.Add(kKey, {Holder(holder), 0});
  EXPECT_EQ(directory_->Look(kKey).copies.size(), federation::kLocatedCopiesMax + 1);
}

}  // namespace
}  // namespace strata::manager::locating

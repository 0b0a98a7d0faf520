#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>

#include "common/huge_pages.h"
#include "common/random.h"
#include "common/status.h"
#include "service_manager/directory/location_digest.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/store/load_index.h"
#include "service_manager/store/rocks_store.h"
#include "tests/bench/measured.h"

// Measures the store of a directory. One part a run; prints lines `name value`, each round again.
//
//   directory_store updates FOLDER COUNT ROUNDS
//   directory_store fill FOLDER ENTRIES
//   directory_store load FOLDER ENTRIES

namespace strata::manager::store {
namespace {

using bench::Now;
using bench::Print;
using bench::Require;

constexpr uint64_t kPeerBatch = 1000;

StoredLocation Location(uint64_t n) {
  return {.key = {.high = directory::Mixed(n + 1), .low = directory::Mixed(~n)},
          .location = {.holder = directory::Holder(static_cast<uint32_t>(n % 32)),
                       .flags = directory::kComplete},
          .size_bytes = n % 1'000'000,
          .remaining = std::chrono::seconds(3600),
          .validator = "\"5f3a-" + std::to_string(n) + "\""};
}

std::unique_ptr<RocksStore> OpenStore(const std::string& folder) {
  auto opened = RocksStore::Open({.folder = folder});
  Require(opened.status());
  return *std::move(opened);
}

void Fill(RocksStore& store, uint64_t from, uint64_t count, uint64_t batch_size) {
  LocationBatch batch;
  for (uint64_t n = from; n < from + count; ++n) {
    batch.stored.push_back(Location(n));
    if (batch.stored.size() < batch_size && n + 1 < from + count) continue;
    Require(store.Apply(batch).status());
    batch.stored.clear();
  }
  Require(store.Sync());
}

void FillPeer(rocksdb::DB& peer, uint64_t from, uint64_t count) {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  rocksdb::WriteBatch batch;
  for (uint64_t n = from; n < from + count; ++n) {
    const StoredLocation location = Location(n);
    batch.Put(RecordKey(location.key, location.location.holder), RecordValue(location));
    if (batch.Count() < kPeerBatch && n + 1 < from + count) continue;
    if (!peer.Write(synced, &batch).ok()) std::exit(1);
    batch.Clear();
  }
}

void Updates(const std::string& folder, uint64_t count, int rounds) {
  const std::unique_ptr<RocksStore> store = OpenStore(folder + "/ours");
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::Open(options, folder + "/peer", &opened).ok()) std::exit(1);
  const std::unique_ptr<rocksdb::DB> peer(opened);
  const auto measure = [&](const char* name, auto run) {
    const double start = Now();
    run();
    Print(name, static_cast<double>(count) / (Now() - start));
  };
  uint64_t next = 0;
  for (int i = 0; i < rounds; ++i) {
    measure("ours_1000", [&] { Fill(*store, next, count, 1000); });
    measure("peer", [&] { FillPeer(*peer, next, count); });
    measure("ours_100", [&] { Fill(*store, next + count, count, 100); });
    next += 2 * count;
  }
}

void Intents(const std::string& folder) {
  const std::unique_ptr<RocksStore> store = OpenStore(folder + "/intents");
  constexpr int kCount = 200;
  const double start = Now();
  for (int i = 0; i < kCount; ++i) {
    Require(store->Commit({.appends = {{"purges", std::string(200, 'x')}}}).status());
  }
  Print("intents", kCount / (Now() - start));
}

void FillAll(const std::string& folder, uint64_t entries) {
  const std::unique_ptr<RocksStore> store = OpenStore(folder + "/restart");
  const double start = Now();
  Fill(*store, 0, entries, 1000);
  Print("fill_per_second", static_cast<double>(entries) / (Now() - start));
}

void Load(const std::string& folder, uint64_t entries) {
  const double start = Now();
  const std::unique_ptr<RocksStore> store = OpenStore(folder + "/restart");
  Print("open_seconds", Now() - start);
  HugePageResource memory;
  SeededRandom random(1);
  directory::LocationIndex index(random, memory);
  const auto loaded = LoadIndex(*store, index);
  Require(loaded.status());
  Print("ready_seconds", Now() - start);
  Print("ready_cpu_seconds", static_cast<double>(std::clock()) / CLOCKS_PER_SEC);
  if (index.size() != entries) std::exit(1);
}

}  // namespace
}  // namespace strata::manager::store

int main(int argc, char** argv) {
  using namespace strata::manager::store;  // NOLINT
  if (argc < 4) return 2;
  const std::string part = argv[1];
  const std::string folder = argv[2];
  const uint64_t count = std::strtoull(argv[3], nullptr, 10);
  if (part == "updates") Updates(folder, count, argc > 4 ? std::atoi(argv[4]) : 1);
  if (part == "updates") Intents(folder);
  if (part == "fill") FillAll(folder, count);
  if (part == "load") Load(folder, count);
}

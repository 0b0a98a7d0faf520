#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "common/huge_pages.h"
#include "common/random.h"
#include "common/status.h"
#include "service_manager/control/holder_book.h"
#include "service_manager/directory/location_digest.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/store/load_index.h"
#include "service_manager/store/rocks_store.h"
#include "tests/bench/measured.h"

// Measures what a manager above others keeps: contents with URIs of 100 bytes, each with one
// location at an engine of one of two CDNs. One part a run; prints lines `name value`, each round
// again.
//
//   federation_store contents FOLDER ENTRIES ROUNDS
//   federation_store memory FOLDER ENTRIES
//   federation_store restart FOLDER ENTRIES

namespace strata::manager {
namespace {

using bench::Now;
using bench::Print;
using bench::Require;

constexpr uint64_t kBatch = 1000;
constexpr size_t kUriBytes = 100;
constexpr size_t kEnginesOfCdn = 25'000;
constexpr size_t kStep = 500;
constexpr farm::ContentKey kLast{UINT64_MAX, UINT64_MAX};

const std::vector<std::string> kCdns = {"cdn-one", "cdn-two"};

farm::ContentKey Key(uint64_t n) {
  return {.high = directory::Mixed(n + 1), .low = directory::Mixed(~n)};
}

std::string Uri(uint64_t n) {
  std::string uri = "http://films.example/titles/" + std::to_string(n) + "/";
  return uri + std::string(kUriBytes - uri.size(), 'x');
}

std::unique_ptr<store::RocksStore> OpenStore(const std::string& folder) {
  auto opened = store::RocksStore::Open({.folder = folder + "/store"});
  Require(opened.status());
  return *std::move(opened);
}

// The engines of all CDNs, one of each CDN in turn.
std::vector<directory::Holder> Enroll(control::HolderBook& book) {
  std::vector<directory::Holder> all;
  for (size_t i = 0; i < kEnginesOfCdn; i += kBatch) {
    for (const std::string& cdn : kCdns) {
      std::vector<control::HolderBook::Told> engines;
      for (size_t n = i; n < i + kBatch; ++n) {
        const std::string scope = cdn + "/dc-" + std::to_string(n % 10) + "/lan-0";
        engines.push_back(
            {{scope, "engine-" + std::to_string(n)}, {Endpoint::Parse("192.0.2.1:80").value()}});
      }
      const auto numbers = book.Enroll(cdn, engines);
      Require(numbers.status());
      all.insert(all.end(), numbers->begin(), numbers->end());
    }
  }
  return all;
}

store::LocationBatch Batch(uint64_t from, uint64_t count,
                           const std::vector<directory::Holder>& holders) {
  store::LocationBatch batch;
  for (uint64_t n = from; n < from + count; ++n) {
    store::StoredLocation stored;
    stored.key = Key(n);
    stored.location = {.holder = holders[n % holders.size()], .flags = directory::kComplete};
    stored.size_bytes = n;
    stored.validator = "\"5f3a-" + std::to_string(n) + "\"";
    batch.stored.push_back(std::move(stored));
    batch.uris.push_back({Key(n), Uri(n)});
  }
  const std::string& cdn = kCdns[from / kBatch % kCdns.size()];
  batch.positions.push_back({.child = cdn, .epoch = 1, .sequence = from + count});
  return batch;
}

// Reads all contents in visits of at most `step`.
uint64_t ReadContents(store::Store& store, size_t step) {
  uint64_t seen = 0;
  farm::ContentKey from;
  for (size_t found = step; found == step;) {
    found = 0;
    const auto visited = store.VisitContents(from, kLast, [&](const store::ContentView& content) {
      if (content.uri.size() != kUriBytes) std::exit(1);
      from = content.key;
      return ++found < step;
    });
    Require(visited.status());
    seen += found;
    if (++from.low == 0) ++from.high;
  }
  return seen;
}

void Contents(const std::string& folder, uint64_t entries, int rounds) {
  std::unique_ptr<store::RocksStore> store = OpenStore(folder);
  const double start = Now();
  for (uint64_t n = 0; n < entries; n += kBatch) {
    Require(store->Apply(Batch(n, std::min(kBatch, entries - n), {directory::Holder(1)})).status());
  }
  Require(store->Sync());
  Print("written", static_cast<double>(entries) / (Now() - start));
  store.reset();
  store = OpenStore(folder);
  const auto measure = [&](const char* name, size_t step) {
    const double begin = Now();
    if (ReadContents(*store, step) != entries) std::exit(1);
    Print(name, static_cast<double>(entries) / (Now() - begin));
  };
  for (int i = 0; i < rounds; ++i) {
    measure("at_once", SIZE_MAX);
    measure("in_steps", kStep);
  }
}

// The resident memory of the whole process, a location: the worst while their number grows from a
// half of `entries` to all.
void Memory(const std::string& folder, uint64_t entries) {
  const std::unique_ptr<store::RocksStore> store = OpenStore(folder);
  HugePageResource memory;
  SeededRandom random(1);
  directory::LocationIndex index(random, memory);
  Print("empty_bytes", static_cast<double>(bench::ResidentBytes()));
  control::HolderBook book(*store);
  Require(book.Load());
  const std::vector<directory::Holder> holders = Enroll(book);
  Print("holders_bytes", static_cast<double>(bench::ResidentBytes()));
  double worst = 0;
  double worst_index = 0;
  const double start = Now();
  for (uint64_t n = 0; n < entries; n += kBatch) {
    const store::LocationBatch batch = Batch(n, std::min(kBatch, entries - n), holders);
    for (const auto& stored : batch.stored) index.Add(stored.key, stored.location);
    Require(store->Apply(batch).status());
    if (n < entries / 2 || n % (50 * kBatch) != 0) continue;
    const auto locations = static_cast<double>(index.locations());
    worst = std::max(worst, static_cast<double>(bench::ResidentBytes()) / locations);
    worst_index = std::max(worst_index, static_cast<double>(index.memory_bytes()) / locations);
  }
  Require(store->Sync());
  Print("grown", static_cast<double>(entries) / (Now() - start));
  Print("worst_bytes", worst);
  Print("worst_index_bytes", worst_index);
  Print("last_bytes", static_cast<double>(bench::ResidentBytes()) / static_cast<double>(entries));
}

void Restart(const std::string& folder, uint64_t entries) {
  const double start = Now();
  const std::unique_ptr<store::RocksStore> store = OpenStore(folder);
  control::HolderBook book(*store);
  Require(book.Load());
  Print("open_seconds", Now() - start);
  HugePageResource memory;
  SeededRandom random(1);
  directory::LocationIndex index(random, memory);
  Require(store::LoadIndex(*store, index, [&book](directory::Holder holder) {
            return book.Find(holder) != nullptr;
          }).status());
  Print("ready_seconds", Now() - start);
  Print("ready_bytes", static_cast<double>(bench::ResidentBytes()) / static_cast<double>(entries));
  if (index.size() != entries) std::exit(1);
}

}  // namespace
}  // namespace strata::manager

int main(int argc, char** argv) {
  using namespace strata::manager;  // NOLINT
  if (argc < 4) return 2;
  const std::string part = argv[1];
  const std::string folder = argv[2];
  const uint64_t count = std::strtoull(argv[3], nullptr, 10);
  if (part == "contents") Contents(folder, count, argc > 4 ? std::atoi(argv[4]) : 1);
  if (part == "memory") Memory(folder, count);
  if (part == "restart") Restart(folder, count);
}

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/huge_pages.h"
#include "common/random.h"
#include "common/status.h"
#include "common/time.h"
#include "service_manager/directory/location_digest.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/directory/location_reader.h"
#include "tests/bench/measured.h"

// Measures the hot index of a directory. One part a run; prints lines `name value`, each round
// again.
//
//   directory_index lookup ENTRIES ROUNDS
//   directory_index readers ENTRIES ROUNDS
//   directory_index stalls ENTRIES SECONDS
//   directory_index memory ENTRIES

namespace strata::manager::directory {
namespace {

using bench::Now;
using bench::Print;
using bench::ResidentBytes;

constexpr uint64_t kLookups = 4'000'000;
constexpr uint64_t kTurn = 32;  // Lookups of one session: those of one turn of a front end.
constexpr uint64_t kChangesPerSecond = 20'000;
constexpr auto kReadersRun = std::chrono::seconds(2);

farm::ContentKey Key(uint64_t n) { return {.high = Mixed(n + 1), .low = Mixed(~n)}; }

// Of ten contents seven have one holder, two have two, one has three; of a hundred one has twelve.
uint32_t HoldersOf(uint64_t n) {
  if (n % 100 == 99) return 12;
  return n % 10 < 7 ? 1 : n % 10 < 9 ? 2 : 3;
}

void AddContent(LocationIndex& index, uint64_t n) {
  const uint32_t holders = HoldersOf(n);
  for (uint32_t i = 0; i < holders; ++i) {
    index.Add(Key(n), {.holder = Holder(static_cast<uint32_t>((n + i) % 32)), .flags = kComplete});
  }
}

double ThreadCpu() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

LocationReader ReaderOf(LocationIndex& index) {
  StatusOr<LocationReader> reader = LocationReader::Register(index);
  if (!reader.ok()) std::abort();
  return *std::move(reader);
}

struct Filled {
  explicit Filled(uint64_t entries) : entries(entries) {
    const double start = Now();
    for (uint64_t n = 0; n < entries; ++n) AddContent(index, n);
    Print("fill_per_second", static_cast<double>(entries) / (Now() - start));
  }

  const uint64_t entries;
  HugePageResource memory;
  SeededRandom random{1};
  LocationIndex index{random, memory};
};

// Below `bound`, at random; cheap, so that the lookups are measured and not this.
uint64_t Below(uint64_t& state, uint64_t bound) {
  state += 0x9e3779b97f4a7c15;
  return static_cast<uint64_t>(static_cast<unsigned __int128>(Mixed(state)) * bound >> 64);
}

// Lookups as a front end makes them that has kTurn requests at once.
uint64_t LookUpAhead(LocationReader& reader, uint64_t& random, uint64_t entries, uint64_t lookups) {
  uint64_t found = 0;
  std::array<Location, 16> locations;
  std::array<farm::ContentKey, kTurn> keys;
  for (uint64_t done = 0; done < lookups; done += kTurn) {
    LocationReader::Session session(reader);
    for (farm::ContentKey& key : keys) {
      key = Key(Below(random, entries));
      session.Prefetch(key);
    }
    for (const farm::ContentKey& key : keys) found += session.Find(key, locations);
  }
  return found;
}

// Lookups in sessions of `turn`; `first` + a random number below `entries` is looked up.
uint64_t LookUp(LocationReader& reader, uint64_t& random, uint64_t first, uint64_t entries,
                uint64_t turn, uint64_t lookups) {
  uint64_t found = 0;
  std::array<Location, 16> locations;
  for (uint64_t done = 0; done < lookups; done += turn) {
    LocationReader::Session session(reader);
    for (uint64_t i = 0; i < turn; ++i) {
      found += session.Find(Key(first + Below(random, entries)), locations);
    }
  }
  return found;
}

void Lookup(uint64_t entries, int rounds) {
  Filled filled(entries);
  LocationReader reader = ReaderOf(filled.index);
  uint64_t random = 2;
  absl::flat_hash_map<farm::ContentKey, Location> peer;
  for (uint64_t n = 0; n < entries; ++n) peer.emplace(Key(n), Location{.holder = Holder(1)});
  uint64_t sum = 0;
  const auto measure = [&](const char* name, auto run) {
    const double start = ThreadCpu();
    sum += run();
    Print(name, kLookups / (ThreadCpu() - start));
  };
  for (int i = 0; i < rounds; ++i) {
    measure("turn", [&] { return LookUp(reader, random, 0, entries, kTurn, kLookups); });
    measure("ahead", [&] { return LookUpAhead(reader, random, entries, kLookups); });
    measure("single", [&] { return LookUp(reader, random, 0, entries, 1, kLookups); });
    measure("miss", [&] { return LookUp(reader, random, entries, entries, kTurn, kLookups); });
    measure("flat_hash_map", [&] {
      uint64_t found = 0;
      for (uint64_t k = 0; k < kLookups; ++k) {
        found += peer.find(Key(Below(random, entries)))->second.holder.value();
      }
      return found;
    });
  }
  Print("checksum", static_cast<double>(sum % 1000));
}

// Changes of known and of new contents at an even rate, or as fast as it goes.
class Writer {
 public:
  Writer(LocationIndex& index, uint64_t entries, bool paced) : index_(index), next_(entries) {
    thread_ = std::thread([this, entries, paced] { Run(entries, paced); });
  }
  ~Writer() {
    stop_ = true;
    thread_.join();
  }

 private:
  void Run(uint64_t entries, bool paced) {
    SeededRandom random(3);
    double due = Now();
    while (!stop_) {
      for (uint64_t i = 0; i < kChangesPerSecond / 1000; ++i) Change(random, entries, paced);
      if (!paced) continue;
      due += 1e-3;
      const double wait = due - Now();
      if (wait > 0) std::this_thread::sleep_for(std::chrono::duration<double>(wait));
    }
  }

  // Paced, old holders come and go, and new contents replace new contents; else all is growth.
  void Change(SeededRandom& random, uint64_t entries, bool paced) {
    const uint64_t n = random.Below(entries);
    const Location extra{.holder = Holder(40 + static_cast<uint32_t>(n % 2)), .flags = kComplete};
    if (!paced || next_ % 2 == 0) {
      index_.Add(Key(next_), extra);
    } else if (!index_.Remove(Key(n), extra.holder)) {
      index_.Add(Key(n), extra);
    }
    if (paced && next_ > entries + 100'000)
      index_.Remove(Key(next_ - 100'000), Holder(40 + next_ % 2));
    ++next_;
  }

  LocationIndex& index_;
  uint64_t next_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// Lookups a second of all `readers` together, by the wall's clock.
double ReadFor(Filled& filled, int readers, const char* cpu_name) {
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> total = 0;
  std::atomic<uint64_t> cpu_nanos = 0;
  std::vector<std::thread> threads;
  const double start = Now();
  for (int i = 0; i < readers; ++i) {
    threads.emplace_back([&, i] {
      LocationReader reader = ReaderOf(filled.index);
      auto random = static_cast<uint64_t>(10 + i);
      uint64_t done = 0;
      const double cpu = ThreadCpu();
      for (; !stop; done += kTurn) LookUp(reader, random, 0, filled.entries, kTurn, kTurn);
      total += done;
      cpu_nanos += static_cast<uint64_t>((ThreadCpu() - cpu) * 1e9);
    });
  }
  std::this_thread::sleep_for(kReadersRun);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  Print(cpu_name, static_cast<double>(total) / static_cast<double>(cpu_nanos) * 1e9 * readers);
  return static_cast<double>(total) / (Now() - start);
}

void Readers(uint64_t entries, int rounds) {
  Filled filled(entries);
  for (int i = 0; i < rounds; ++i) {
    Print("one", ReadFor(filled, 1, "one_cpu"));
    Writer writer(filled.index, entries, true);
    Print("two", ReadFor(filled, 2, "two_cpu"));
  }
}

// What single reads took, by the wall's clock and by the thread's own, in seconds.
struct Stalls {
  template <class Read>
  void Time(Read read) {
    const double wall = Now();
    const double cpu = ThreadCpu();
    read();
    const double cpu_taken = ThreadCpu() - cpu;
    longest_wall = std::max(longest_wall, Now() - wall);
    longest_cpu = std::max(longest_cpu, cpu_taken);
    if (cpu_times.size() < cpu_times.capacity()) {
      cpu_times.push_back(static_cast<float>(cpu_taken));
    }
  }

  double longest_wall = 0;
  double longest_cpu = 0;
  std::vector<float> cpu_times;
};

// A lookup and its peer take turns in a thread, so that what the system does to a thread, and
// counts as its time (interrupts of others), meets both alike: the peer reads a word that nobody
// writes.
struct Watcher {
  void Run(Filled& filled, const std::vector<uint64_t>& words, uint64_t seed,
           const std::atomic<bool>& stop) {
    LocationReader reader = ReaderOf(filled.index);
    SeededRandom random(seed);
    std::array<Location, 16> locations;
    uint64_t sum = 0;
    while (!stop) {
      LocationReader::Session session(reader);
      const uint64_t n = random.Below(filled.entries);
      lookups.Time([&] { session.Find(Key(n), locations); });
      peer.Time([&] { sum += words[Mixed(n) % words.size()]; });
    }
    checksum = sum;
  }

  Stalls lookups;
  Stalls peer;
  uint64_t checksum = 0;
};

void PrintStalls(const std::string& prefix, Stalls& first, const Stalls& second) {
  std::vector<float>& times = first.cpu_times;
  const auto rank = static_cast<size_t>(static_cast<double>(times.size()) * 0.9999);
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(rank), times.end());
  Print((prefix + "p9999_us").c_str(), times[rank] * 1e6);
  Print((prefix + "cpu_max_us").c_str(), std::max(first.longest_cpu, second.longest_cpu) * 1e6);
  Print((prefix + "wall_max_us").c_str(), std::max(first.longest_wall, second.longest_wall) * 1e6);
}

void MeasureStalls(uint64_t entries, int seconds) {
  Filled filled(entries);
  std::vector<uint64_t> words(entries * 4);
  for (uint64_t n = 0; n < words.size(); ++n) words[n] = n;
  for (const bool paced : {true, false}) {
    const std::string prefix = paced ? "paced_" : "growing_";
    std::atomic<bool> stop = false;
    std::array<Watcher, 2> watchers;
    for (Stalls* each : {&watchers[0].lookups, &watchers[0].peer}) {
      each->cpu_times.reserve(20'000'000);
    }
    Writer writer(filled.index, entries, paced);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < watchers.size(); ++i) {
      threads.emplace_back([&, i] { watchers[i].Run(filled, words, i + 20, stop); });
    }
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    stop = true;
    for (std::thread& thread : threads) thread.join();
    PrintStalls(prefix, watchers[0].lookups, watchers[1].lookups);
    PrintStalls(prefix + "peer_", watchers[0].peer, watchers[1].peer);
    if (watchers[0].checksum == watchers[1].checksum) std::abort();
  }
}

// The worst resident bytes a content, over all points of growth from a tenth of `entries` on.
void MeasureMemory(uint64_t entries) {
  const size_t before = ResidentBytes();
  HugePageResource memory;
  SeededRandom random(1);
  auto index = std::make_unique<LocationIndex>(random, memory);
  double worst = 0;
  double worst_own = 0;
  uint64_t worst_at = 0;
  const uint64_t step = entries / 200;
  for (uint64_t n = 0; n < entries; ++n) {
    AddContent(*index, n);
    if ((n + 1) % step != 0 || n + 1 < entries / 10) continue;
    const double each =
        static_cast<double>(ResidentBytes() - before) / static_cast<double>(index->size());
    if (each > worst) worst_at = n + 1;
    worst = std::max(worst, each);
    worst_own = std::max(
        worst_own, static_cast<double>(index->memory_bytes()) / static_cast<double>(index->size()));
  }
  Print("worst_bytes", worst);
  Print("worst_at", static_cast<double>(worst_at));
  Print("worst_own_bytes", worst_own);
  Print("last_bytes",
        static_cast<double>(ResidentBytes() - before) / static_cast<double>(index->size()));
  Print("locations", static_cast<double>(index->locations()));
}

}  // namespace
}  // namespace strata::manager::directory

int main(int argc, char** argv) {
  using namespace strata::manager::directory;  // NOLINT
  if (argc < 3) return 2;
  const std::string part = argv[1];
  const uint64_t entries = std::strtoull(argv[2], nullptr, 10);
  const int amount = argc > 3 ? std::atoi(argv[3]) : 0;
  if (part == "lookup") Lookup(entries, amount);
  if (part == "readers") Readers(entries, amount);
  if (part == "stalls") MeasureStalls(entries, amount);
  if (part == "memory") MeasureMemory(entries);
}

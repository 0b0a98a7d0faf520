#include "farm/test_farm.h"

#include "common/check.h"
#include "farm/content_identity.h"

namespace strata::farm::testing {
namespace {

constexpr uint64_t kMega = 1'000'000;

Load FigureLoad(uint64_t in, uint64_t out, uint64_t storage, uint64_t memory, double cpu) {
  Load load;
  load.sequence = 1;
  load.bandwidth_in = in * kMega;
  load.bandwidth_out = out * kMega;
  load.storage_used = storage;
  load.memory_used = memory;
  load.cpu = cpu;
  return load;
}

}  // namespace

ContentKey KeyOfTitle(const std::string& title) { return KeyOf("http://films.example/" + title); }

EngineInfo Engine(EngineId id, const std::string& name) {
  EngineInfo engine;
  engine.id = id;
  engine.name = name;
  const auto last = static_cast<uint8_t>(id.value());
  engine.clients = {{.ip = IpAddress::V4(192, 0, 2, last), .port = 80}};
  engine.peers = {{.ip = IpAddress::V4(192, 0, 2, last), .port = 8080}};
  engine.capacity = {
      .bandwidth_in = 1000 * kMega, .bandwidth_out = 1000 * kMega, .storage = 100, .memory = 100};
  return engine;
}

Asset AssetOf(uint64_t size) {
  Asset asset;
  asset.size = size;
  asset.validator = "\"v" + std::to_string(size) + "\"";
  return asset;
}

void TestFarm::Register(EngineId id, const std::string& name) {
  const Row* row = table_.Find(id);
  Apply(EngineRegistered{Engine(id, name), row == nullptr ? 1 : row->registration + 1});
}

void TestFarm::Report(EngineId id, const Load& load, Timestamp now) {
  const LoadReport report{id, table_.Find(id)->registration, load};
  STRATA_CHECK(table_.ApplyLoad(report, id, now) == StateTable::Applied::kYes);
}

void TestFarm::Add(EngineId id, const std::string& title, const Asset& asset) {
  Apply(AssetsChanged{id, {{KeyOfTitle(title), asset}}}, id, false);
}

void TestFarm::Remove(EngineId id, const std::string& title) {
  Apply(AssetsChanged{id, {{KeyOfTitle(title), std::nullopt}}}, id, false);
}

void TestFarm::Apply(const Message& message, EngineId sender, bool from_manager, Timestamp now) {
  STRATA_CHECK(table_.Apply(message, sender, from_manager, now) == StateTable::Applied::kYes);
}

TestFarm FigureEight() {
  TestFarm farm;
  farm.Register(kA, "A");
  farm.Register(kB, "B");
  farm.Register(kC, "C");
  farm.Report(kA, FigureLoad(47, 275, 34, 37, 0.40));
  farm.Report(kB, FigureLoad(24, 145, 25, 22, 0.27));
  farm.Report(kC, FigureLoad(13, 396, 56, 60, 0.64));
  farm.Add(kA, "Dare Devil");
  farm.Add(kA, "Casablanca");
  farm.Add(kB, "Casablanca");
  farm.Add(kB, "Spiderman");
  farm.Add(kC, "Dare Devil");
  farm.Add(kC, "Spiderman");
  return farm;
}

}  // namespace strata::farm::testing

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/huge_pages.h"
#include "common/metrics.h"
#include "common/random.h"
#include "common/status.h"
#include "farm/content_identity.h"
#include "farm/site_table.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/frontend/front_end.h"
#include "service_manager/routing/any_router.h"
#include "service_manager/routing/federation_snapshot.h"
#include "service_manager/routing/region_map.h"
#include "service_manager/routing/routing_snapshot.h"

// A front end that knows `/video/N` of films.example for N below CONTENTS, with one to three
// holders each, and is told of new loads once a second. Prints `listening ADDRESS`; ends when its
// standard input does.
//
//   front_end_bench CONTENTS THREADS [farm | full | scope]
//
// farm: of level 1, with eight engines. full, scope: an exchange of two CDNs with ten farms of
// eight engines each; it knows of copies which engine has them, or which CDN.

namespace strata::manager::frontend {
namespace {

constexpr uint32_t kEngines = 8;  // Of a farm.
constexpr uint32_t kCdns = 2;
constexpr uint32_t kFarms = 10;  // Of a CDN.

std::shared_ptr<const routing::SitesByHost> Sites() {
  farm::Site site;
  site.name = "films";
  site.version = 1;
  site.hosts = {"films.example"};
  farm::SiteTable sites;
  const Status applied = sites.Apply(site);
  if (!applied.ok()) std::exit(1);
  return std::make_shared<routing::SitesByHost>(sites);
}

// What answers are made from.
struct Scene {
  uint32_t holders = 0;  // Numbered from 1.
  std::function<routing::AnySnapshot(RandomSource&)> snapshot;
};

Endpoint AddressOf(uint32_t engine) {
  const IpAddress ip = IpAddress::V4(192, 0, static_cast<uint8_t>(2 + engine / 250),
                                     static_cast<uint8_t>(engine % 250 + 1));
  return {.ip = ip, .port = 80, .interface = 0};
}

routing::AnySnapshot FarmSnapshot(const std::shared_ptr<const routing::SitesByHost>& sites,
                                  RandomSource& random) {
  std::vector<routing::RoutedEngine> engines(kEngines);
  for (uint32_t i = 0; i < kEngines; ++i) {
    engines[i].card.id = farm::EngineId(i + 1);
    engines[i].card.status = farm::EngineStatus::kUp;
    engines[i].card.load_factor = random.Unit() * 0.9;
    engines[i].card.bandwidth_out = 10'000'000'000;
    engines[i].name = "engine-" + std::to_string(i + 1);
    engines[i].clients = {AddressOf(i)};
  }
  return std::make_shared<const routing::RoutingSnapshot>(sites, std::move(engines), true);
}

Scene FarmScene() {
  return {.holders = kEngines, .snapshot = [sites = Sites()](RandomSource& random) {
            return FarmSnapshot(sites, random);
          }};
}

// ---- An exchange.

std::string CdnOf(uint32_t cdn) { return "cdn-" + std::to_string(cdn + 1); }
std::string FarmOf(uint32_t cdn, uint32_t farm) {
  return CdnOf(cdn) + "/farm-" + std::to_string(farm + 1);
}

std::vector<routing::RoutedHolder> Engines() {
  std::vector<routing::RoutedHolder> holders;
  for (uint32_t i = 0; i < kCdns * kFarms * kEngines; ++i) {
    holders.push_back({.number = directory::Holder(i + 1),
                       .name = {.scope = FarmOf(i % kCdns, i / kCdns % kFarms),
                                .engine = "engine-" + std::to_string(i)},
                       .clients = {AddressOf(i)}});
  }
  return holders;
}
std::vector<routing::RoutedHolder> Cdns() {
  std::vector<routing::RoutedHolder> holders;
  for (uint32_t cdn = 0; cdn < kCdns; ++cdn) {
    holders.push_back({.number = directory::Holder(cdn + 1),
                       .name = {.scope = CdnOf(cdn), .engine = ""},
                       .clients = {}});
  }
  return holders;
}

routing::ScopeReport LoadOf(const std::string& scope, uint32_t engines, RandomSource& random) {
  const double mean = random.Unit() * 0.9;
  return {.scope = scope,
          .age = {},
          .load = {.engines = engines,
                   .overloaded = 0,
                   .free_bandwidth = static_cast<uint64_t>(engines * 1e10 * (1 - mean)),
                   .worst = mean,
                   .mean = mean},
          .impaired = {}};
}

routing::ScopeLoadTable Loads(RandomSource& random) {
  routing::ScopeLoadTable loads;
  for (uint32_t cdn = 0; cdn < kCdns; ++cdn) {
    routing::LoadReport report = {LoadOf(CdnOf(cdn), kFarms * kEngines, random)};
    for (uint32_t farm = 0; farm < kFarms; ++farm) {
      report.push_back(LoadOf(FarmOf(cdn, farm), kEngines, random));
    }
    std::sort(report.begin() + 1, report.end(),
              [](const auto& a, const auto& b) { return a.scope < b.scope; });
    if (!loads.Apply(CdnOf(cdn), std::move(report), Timestamp()).ok()) std::exit(1);
  }
  return loads;
}

Scene ExchangeScene(std::vector<routing::RoutedHolder> routed) {
  const auto holders = static_cast<uint32_t>(routed.size());
  routing::FederationSnapshot::Parts parts;
  parts.sites = Sites();
  const auto regions = routing::RegionMap::Parse("127.0.0.0/8 here\nscope cdn-1 here\n");
  if (!regions.ok()) std::exit(1);
  parts.regions = *regions;
  parts.holders = std::make_shared<routing::RoutedHolders>(std::move(routed), *parts.regions);
  for (uint32_t cdn = 0; cdn < kCdns; ++cdn) {
    parts.children.push_back(
        {.scope = CdnOf(cdn), .connected = true, .front_ends = {AddressOf(1000 + cdn)}});
  }
  return {.holders = holders, .snapshot = [parts](RandomSource& random) {
            return std::make_shared<const routing::FederationSnapshot>(parts, Loads(random),
                                                                       Timestamp());
          }};
}

void Fill(directory::LocationIndex& index, uint64_t contents, uint32_t holders) {
  for (uint64_t n = 0; n < contents; ++n) {
    const farm::ContentKey key = farm::KeyOf("http://films.example/video/" + std::to_string(n));
    for (uint64_t i = 0; i < 1 + n % 3; ++i) {
      const directory::Holder holder(static_cast<uint32_t>((n + i) % holders + 1));
      index.Add(key, {.holder = holder, .flags = directory::kComplete});
    }
  }
}

int Main(uint64_t contents, size_t threads, const Scene& scene) {
  SeededRandom random(1);
  HugePageResource pages;
  directory::LocationIndex index(random, pages);
  Fill(index, contents, scene.holders);
  MetricRegistry metrics;
  FrontEndOptions options;
  options.listen = {*Endpoint::Parse("127.0.0.1:0")};
  options.threads = threads;
  options.requests_per_connection = SIZE_MAX;
  // What it costs to ask is measured too.
  options.client_rate = 1e9;
  options.client_burst = 1e9;
  const auto started = FrontEnd::Start(options, index, metrics);
  if (!started.ok()) {
    std::fprintf(stderr, "%s\n", MessageOf(started.status()).c_str());
    return 1;
  }
  FrontEnd& front_end = **started;
  front_end.Publish(scene.snapshot(random));
  std::printf("listening %s\n", ToString(front_end.endpoints()[0]).c_str());
  std::fflush(stdout);
  std::jthread news([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      if (i % 10 == 0) front_end.Publish(scene.snapshot(random));
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}

}  // namespace
}  // namespace strata::manager::frontend

int main(int argc, char** argv) {
  using namespace strata::manager::frontend;
  const std::string scene = argc == 4 ? argv[3] : "farm";
  const bool known = scene == "farm" || scene == "full" || scene == "scope";
  if (argc < 3 || argc > 4 || !known) {
    std::fprintf(stderr, "usage: front_end_bench CONTENTS THREADS [farm | full | scope]\n");
    return 2;
  }
  return Main(std::strtoull(argv[1], nullptr, 10), std::strtoull(argv[2], nullptr, 10),
              scene == "farm" ? FarmScene() : ExchangeScene(scene == "full" ? Engines() : Cdns()));
}

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
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
#include "service_manager/routing/routing_snapshot.h"

// A front end of eight engines that knows `/video/N` of films.example for N below CONTENTS, with
// one to three holders each, and is told of new loads once a second. Prints `listening ADDRESS`;
// ends when its standard input does.
//
//   front_end_bench CONTENTS THREADS

namespace strata::manager::frontend {
namespace {

constexpr uint32_t kEngines = 8;

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

std::shared_ptr<const routing::RoutingSnapshot> Snapshot(
    std::shared_ptr<const routing::SitesByHost> sites, RandomSource& random) {
  std::vector<routing::RoutedEngine> engines(kEngines);
  for (uint32_t i = 0; i < kEngines; ++i) {
    engines[i].card.id = farm::EngineId(i + 1);
    engines[i].card.status = farm::EngineStatus::kUp;
    engines[i].card.load_factor = random.Unit() * 0.9;
    engines[i].card.bandwidth_out = 10'000'000'000;
    engines[i].name = "engine-" + std::to_string(i + 1);
    const IpAddress ip = IpAddress::V4(192, 0, 2, static_cast<uint8_t>(i + 1));
    engines[i].clients = {{.ip = ip, .port = 80, .interface = 0}};
  }
  return std::make_shared<routing::RoutingSnapshot>(std::move(sites), std::move(engines), true);
}

void Fill(directory::LocationIndex& index, uint64_t contents) {
  for (uint64_t n = 0; n < contents; ++n) {
    const farm::ContentKey key = farm::KeyOf("http://films.example/video/" + std::to_string(n));
    for (uint64_t i = 0; i < 1 + n % 3; ++i) {
      const directory::Holder holder(static_cast<uint32_t>((n + i) % kEngines + 1));
      index.Add(key, {.holder = holder, .flags = directory::kComplete});
    }
  }
}

int Main(uint64_t contents, size_t threads) {
  SeededRandom random(1);
  HugePageResource pages;
  directory::LocationIndex index(random, pages);
  Fill(index, contents);
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
  const auto sites = Sites();
  front_end.Publish(Snapshot(sites, random));
  std::printf("listening %s\n", ToString(front_end.endpoints()[0]).c_str());
  std::fflush(stdout);
  std::jthread news([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      if (i % 10 == 0) front_end.Publish(Snapshot(sites, random));
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
  if (argc != 3) {
    std::fprintf(stderr, "usage: front_end_bench CONTENTS THREADS\n");
    return 2;
  }
  return strata::manager::frontend::Main(std::strtoull(argv[1], nullptr, 10),
                                         std::strtoull(argv[2], nullptr, 10));
}

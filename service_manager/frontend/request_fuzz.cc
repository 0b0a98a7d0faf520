#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/check.h"
#include "farm/site_table.h"
#include "service_manager/frontend/request_head.h"
#include "service_manager/routing/any_router.h"
#include "service_manager/routing/region_map.h"
#include "service_manager/routing/scope_load_table.h"

// Bytes of a connection: heads one after the other, each decided, by a farm's manager and by one
// above, from the directory and among copies that others named. The first byte says where they
// are cut in two pieces, as the network might.

namespace strata::manager::frontend {
namespace {

constexpr size_t kLimit = 16 * 1024;

std::shared_ptr<const routing::SitesByHost> Sites() {
  farm::SiteTable sites;
  for (const auto mode : {farm::Site::Mode::kRedirect, farm::Site::Mode::kForward}) {
    farm::Site site;
    site.name = mode == farm::Site::Mode::kRedirect ? "a" : "b";
    site.version = 1;
    site.hosts = {site.name + ".example"};
    site.mode = mode;
    site.cors_origins = {"https://x.example"};
    STRATA_CHECK(sites.Apply(site).ok());
  }
  return std::make_shared<routing::SitesByHost>(sites);
}

const Endpoint kEngine = {.ip = IpAddress::V4(192, 0, 2, 1), .port = 80, .interface = 0};

routing::AnySnapshot FarmSnapshot() {
  routing::RoutedEngine engine;
  engine.card.id = farm::EngineId(1);
  engine.card.status = farm::EngineStatus::kUp;
  engine.name = "e";
  engine.clients = {kEngine};
  return std::make_shared<const routing::RoutingSnapshot>(Sites(), std::vector{engine}, true);
}

routing::AnySnapshot FederationSnapshot() {
  const auto regions = std::make_shared<routing::RegionMap>();
  std::vector<routing::RoutedHolder> holders = {{.number = directory::Holder(1),
                                                 .name = {.scope = "c/lan", .engine = "e"},
                                                 .clients = {kEngine}}};
  return std::make_shared<const routing::FederationSnapshot>(
      routing::FederationSnapshot::Parts{
          .sites = Sites(),
          .regions = regions,
          .holders = std::make_shared<routing::RoutedHolders>(std::move(holders), *regions),
          .children = {{.scope = "c", .connected = true, .front_ends = {kEngine}}},
          .settings = {}},
      routing::ScopeLoadTable(), Timestamp());
}

// What goes into a line of HTTP must not end it.
void CheckLine(std::string_view text) {
  STRATA_CHECK(std::none_of(text.begin(), text.end(),
                            [](char c) { return static_cast<uint8_t>(c) <= ' ' || c == '\x7f'; }));
}

void Check(const routing::Decision& decision) {
  CheckLine(decision.location);
  if (decision.outcome == routing::Outcome::kForward) {
    CheckLine(decision.engine_target);
    STRATA_CHECK(!decision.engines.empty());
  }
  if (decision.outcome == routing::Outcome::kRedirect) {
    STRATA_CHECK(decision.location.starts_with("http://192.0.2.1/_s/a.example/"));
  }
  if (decision.outcome == routing::Outcome::kExplain) {
    STRATA_CHECK(!AsText(decision.explanation).empty());
    STRATA_CHECK(AsJson(decision.explanation).ends_with("]}\n"));
  }
}

void Decide(const routing::AnySnapshot& snapshot, const RequestHead& head) {
  static routing::AnyRouter router;
  static const std::vector<federation::LocatedCopy> copies = {
      {.holder = {.scope = "d/lan", .engine = "e"},
       .clients = {kEngine},
       .flags = directory::kComplete}};
  const routing::Request request{.method = head.method,
                                 .host = head.host,
                                 .target = head.target,
                                 .origin = head.origin,
                                 .preflight = !head.cors_method.empty(),
                                 .client = IpAddress::V6({0x20, 0x01}),
                                 .may_explain = true,
                                 .draw = head.bytes};
  Check(router.Decide(snapshot, request,
                      [](const farm::ContentKey& key, std::span<directory::Location> out) {
                        out[0] = {.holder = directory::Holder(1), .flags = directory::kComplete};
                        return static_cast<size_t>(key.low & 1);
                      }));
  Check(router.DecideAmong(snapshot, request, copies));
}

void Run(std::string_view bytes, size_t cut) {
  static const std::vector<routing::AnySnapshot> snapshots = {FarmSnapshot(), FederationSnapshot()};
  size_t searched = 0;
  bool at_cut = cut <= bytes.size();
  while (!bytes.empty()) {
    RequestHead head;
    const std::string_view now = at_cut ? bytes.substr(0, std::min(cut, bytes.size())) : bytes;
    const HeadResult result = ParseRequestHead(now, kLimit, searched, head);
    if (result == HeadResult::kIncomplete && at_cut) {
      at_cut = false;
      continue;
    }
    if (result != HeadResult::kComplete) return;
    STRATA_CHECK(head.bytes > head.start && head.bytes <= now.size());
    for (const routing::AnySnapshot& snapshot : snapshots) Decide(snapshot, head);
    bytes.remove_prefix(head.bytes);
    cut -= std::min(cut, head.bytes);
  }
}

}  // namespace
}  // namespace strata::manager::frontend

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  strata::manager::frontend::Run(bytes, data[0]);
  return 0;
}

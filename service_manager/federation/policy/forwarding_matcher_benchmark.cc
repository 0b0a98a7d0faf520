#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "service_manager/federation/policy/forwarding_matcher.h"

// How long it takes to treat a content: a policy of so many rules, half of them with a site each,
// half with prefixes at one host, and URIs of 100 bytes that meet the last rule of their host.

namespace strata::manager::federation {
namespace {

ForwardingMatcher Matcher(int64_t rules) {
  ForwardingPolicy policy;
  for (int64_t i = 0; i < rules; ++i) {
    ForwardingRule rule{.forward = Forward::kScope};
    if (i % 2 == 0) {
      rule.site = "site-" + std::to_string(i);
    } else {
      rule.uri_prefix = "http://films.example/vod/" + std::to_string(i) + "/";
    }
    policy.rules.push_back(rule);
  }
  return {policy, [](const std::string& site) { return site + ".example"; }};
}

void Treat(benchmark::State& state) {
  const ForwardingMatcher matcher = Matcher(state.range(0));
  std::string uri =
      "http://films.example/vod/" + std::to_string(state.range(0) - 1 - state.range(0) % 2) + "/";
  uri.resize(100, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(matcher.TreatmentOf(uri));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Treat)->Arg(2)->Arg(100)->Arg(1000);

}  // namespace
}  // namespace strata::manager::federation

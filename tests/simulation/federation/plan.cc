#include "tests/simulation/federation/plan.h"

#include <algorithm>

#include "service_manager/directory/limits.h"

namespace strata::simulation::federation {

using std::chrono::milliseconds;

std::string_view ToString(Profile profile) {
  constexpr std::array<std::string_view, kProfileCount> kNames = {
      "seed-two", "flaps", "overflow", "take-overs", "power-loss", "policies", "bent", "chaos"};
  return kNames[static_cast<size_t>(profile)];
}

namespace {

constexpr size_t kScopesMax = 12;

class Drawer {
 public:
  explicit Drawer(uint64_t seed) : random_(seed * 0x9e3779b97f4a7c15u + 7) { plan_.seed = seed; }

  Plan Draw();

 private:
  int Int(int lo, int hi) {
    return lo + static_cast<int>(random_.Below(static_cast<uint64_t>(hi - lo + 1)));
  }
  size_t Size(int lo, int hi) { return static_cast<size_t>(Int(lo, hi)); }
  Duration Ms(int lo, int hi) { return random_.Between(milliseconds(lo), milliseconds(hi)); }
  double& Weight(Fault fault) { return plan_.fault_weights[static_cast<size_t>(fault)]; }

  size_t AddScope(const std::string& name, int level, std::optional<size_t> parent);
  void DrawTree(size_t parent);
  void SeedTwo();
  void DrawLink();
  void DrawFaults();
  void Specialise();
  void LetChecksKeepTime();

  SeededRandom random_;
  Plan plan_;
};

size_t Drawer::AddScope(const std::string& name, int level, std::optional<size_t> parent) {
  ScopePlan scope;
  const bool below_exchange = !parent || plan_.scopes[*parent].level == 4;
  scope.scope = below_exchange ? name : plan_.scopes[*parent].scope + "/" + name;
  scope.level = level;
  scope.parent = parent;
  if (level == 1) {
    for (int i = Int(1, 3); i > 0; --i) scope.engines.push_back("engine-" + std::to_string(i));
  }
  if (parent) scope.policy = DrawPolicy(random_);
  plan_.scopes.push_back(scope);
  return plan_.scopes.size() - 1;
}

// Children of a scope that may have some, and theirs; now and then a level is missing.
void Drawer::DrawTree(size_t parent) {
  constexpr const char* kNames[] = {"", "lan-", "dc-", "cdn-"};
  const int below = plan_.scopes[parent].level - 1;
  if (below == 0) return;
  const int children = Int(1, 3);
  for (int i = 1; i <= children && plan_.scopes.size() < kScopesMax; ++i) {
    const int level = below > 1 && random_.Chance(0.2) ? below - 1 : below;
    DrawTree(AddScope(kNames[level] + std::to_string(i), level, parent));
  }
}

// Data centers tell their CDN everything, CDNs tell the exchange which of them has it.
void Drawer::SeedTwo() {
  const size_t exchange = AddScope("exchange", 4, {});
  for (const char* cdn : {"cdn-one", "cdn-two"}) {
    const size_t at = AddScope(cdn, 3, exchange);
    plan_.scopes[at].policy = {
        {.site = "", .folder = "", .library = {}, .forward = Forwarding::kScope}};
    for (const char* dc : {"dc-one", "dc-two", "dc-three"}) {
      const size_t center = AddScope(dc, 2, at);
      plan_.scopes[center].policy.clear();
      plan_.scopes[AddScope("lan-a", 1, center)].policy.clear();
    }
  }
}

void Drawer::DrawLink() {
  LinkPlan& link = plan_.link;
  link.delay_max = random_.Chance(0.3) ? Ms(1, 5) : Ms(5, 80);
  link.reconnect_max = Ms(20, 300);
  link.cut_anew = random_.Chance(0.5) ? 0.5 : 0;
  link.queue_records = random_.Chance(0.3) ? Size(20, 100) : Size(200, 2000);
  link.batch_records = Size(1, 60);
  link.batch_delay = random_.Chance(0.3) ? Duration::zero() : Ms(1, 30);
  link.read_items = Size(1, 20);
  link.check_cycle = random_.Chance(0.5) ? Duration::zero() : Ms(5000, 10000);
  link.sync_max = Ms(1, 40);
  link.read_max = Ms(1, 30);
  link.mirror_max = Ms(1, 60);
  plan_.faulty_phase = Ms(3000, 6000);
  plan_.change_gap = Ms(3, 20);
}

void Drawer::DrawFaults() {
  Weight(Fault::kFlap) = 1;
  Weight(Fault::kOutage) = 0.3;
  Weight(Fault::kStall) = 0.5;
  Weight(Fault::kTakeOver) = 0.3;
  Weight(Fault::kRestart) = 0.3;
  Weight(Fault::kPolicy) = 0.3;
  Weight(Fault::kBurst) = 0.3;
  plan_.fault_gap = Ms(100, 400);
}

void Drawer::Specialise() {
  switch (plan_.profile) {
    case Profile::kSeedTwo:
      Weight(Fault::kPolicy) = 0;
      break;
    case Profile::kFlaps:
      plan_.fault_weights.fill(0);
      Weight(Fault::kFlap) = 3;
      Weight(Fault::kStall) = 1;
      plan_.link.queue_records = 5000;
      break;
    case Profile::kOverflow:
      Weight(Fault::kOutage) = 2;
      Weight(Fault::kBurst) = 2;
      Weight(Fault::kForget) = 1;
      plan_.link.queue_records = Size(5, 40);
      plan_.change_gap = Ms(1, 6);
      break;
    case Profile::kTakeOvers:
      Weight(Fault::kTakeOver) = 4;
      Weight(Fault::kTakeOverBoth) = 3;
      Weight(Fault::kFlap) = 3;
      Weight(Fault::kForget) = 1;
      break;
    case Profile::kPowerLoss:
      Weight(Fault::kPowerLoss) = 4;
      plan_.link.sync_max = Ms(20, 200);
      break;
    case Profile::kPolicies:
      Weight(Fault::kPolicy) = 6;
      break;
    case Profile::kBent:
      Weight(Fault::kBend) = 4;
      break;
    case Profile::kChaos:
      for (double& weight : plan_.fault_weights) weight = random_.Unit();
      plan_.fault_gap = Ms(50, 200);
      break;
  }
}

// Each range is read once in a cycle of checks.
void Drawer::LetChecksKeepTime() {
  LinkPlan& link = plan_.link;
  // What stores lost is found by checks, at the latest.
  if (plan_.StoresBend()) link.check_cycle = Ms(5000, 10000);
  if (link.check_cycle == Duration::zero()) return;
  link.read_max =
      std::min(link.read_max, link.check_cycle / (2 * int64_t{manager::directory::kRanges}));
}

Plan Drawer::Draw() {
  plan_.profile = static_cast<Profile>(plan_.seed % kProfileCount);
  if (plan_.profile == Profile::kSeedTwo) {
    SeedTwo();
  } else {
    DrawTree(AddScope("exchange", 4, {}));
  }
  plan_.catalogue = DrawCatalogue(random_, Size(20, 120));
  plan_.library = random_.Unit();
  DrawLink();
  DrawFaults();
  Specialise();
  LetChecksKeepTime();
  return plan_;
}

}  // namespace

Plan Plan::Draw(uint64_t seed) { return Drawer(seed).Draw(); }

bool Plan::IsBelow(size_t scope, size_t below) const {
  for (auto up = scopes[below].parent; up; up = scopes[*up].parent) {
    if (*up == scope) return true;
  }
  return false;
}

std::vector<size_t> Plan::ChildrenOf(size_t at) const {
  std::vector<size_t> children;
  for (size_t i = 0; i < scopes.size(); ++i) {
    if (scopes[i].parent == at) children.push_back(i);
  }
  return children;
}

}  // namespace strata::simulation::federation

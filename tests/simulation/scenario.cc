#include "tests/simulation/scenario.h"

#include <algorithm>

namespace strata::simulation {

using multicast::CoreSettings;
using multicast::MemberId;
using multicast::Role;
using std::chrono::microseconds;
using std::chrono::milliseconds;

std::string_view ToString(Profile profile) {
  constexpr std::array<std::string_view, kProfileCount> kNames = {
      "loss-only", "reorder",    "aborts",  "sm-dies",     "partitions",   "stops",
      "restarts",  "cascade",    "overrun", "quorum-none", "no-multicast", "large",
      "prepare",   "power-loss", "hostile", "chaos"};
  return kNames[static_cast<size_t>(profile)];
}

namespace {

constexpr uint64_t kFarmEach = 3;  // One of so many seeds of a profile is about a farm.

class Drawer {
 public:
  explicit Drawer(uint64_t seed) : random_(seed * 0x9e3779b97f4a7c15u + 1) {
    scenario_.seed = seed;
  }

  Scenario Draw();

 private:
  int Int(int lo, int hi) {
    return lo + static_cast<int>(random_.Below(static_cast<uint64_t>(hi - lo + 1)));
  }
  Duration Ms(int lo, int hi) { return random_.Between(milliseconds(lo), milliseconds(hi)); }
  Duration Us(int lo, int hi) { return random_.Between(microseconds(lo), microseconds(hi)); }
  double Share(double hi) { return random_.Unit() * hi; }
  double& Weight(Fault fault) { return scenario_.fault_weights[static_cast<size_t>(fault)]; }

  void DrawSettings();
  void DrawSmallLimits();
  void DrawMembers();
  void DrawOneMember(size_t index, size_t count, int managers, bool witness);
  void DrawNetworkAndWorkload();
  void DrawFaults();
  void DrawIntent();
  void SpecialiseQuiet();
  void SpecialiseSmDies();
  void SpecialiseOverrun();
  void SpecialiseQuorumNone();
  void SpecialiseCascade();
  void SpecialisePartitions();
  void SpecialiseLarge();
  void SpecialisePowerLoss();
  void SpecialiseFaulty();
  void SpecialiseChaos();

  SeededRandom random_;
  Scenario scenario_;
  CoreSettings settings_;
  int count_lo_ = 3;
  int count_hi_ = 7;
  int managers_hi_ = 4;
};

void Drawer::DrawSettings() {
  CoreSettings& s = settings_;
  s.group = multicast::GroupId(0x5349u);
  s.heartbeat_interval = Ms(8, 30);
  s.detection_timeout = s.heartbeat_interval * Int(4, 7);
  s.stall_timeout = Ms(500, 1200);
  s.ack_tick = Us(300, 2000);
  s.pack_delay = Us(50, 400);
  s.reorder_delay = Us(100, 500);
  s.repair_initial = Us(700, 2000);
  s.repair_max = Ms(10, 50);
  s.propose_retry = Ms(4, 12);
  s.propose_backoff = Ms(20, 80);
  s.collect_timeout = Ms(20, 60);
  s.takeover_stagger = Ms(10, 40);
  s.view_wait = s.detection_timeout * 2;
  s.join_interval = Ms(15, 60);
  s.found_wait = Ms(200, 500);
  s.prepare_timeout = Ms(40, 250);
  s.reply_timeout = Ms(100, 400);
  s.fanout_after = Ms(100, 250);
  s.fanout_heal = Ms(200, 600);
  if (random_.Chance(0.5)) DrawSmallLimits();
}

void Drawer::DrawSmallLimits() {
  settings_.window_initial = static_cast<uint32_t>(Int(8, 64));
  settings_.window_max = settings_.window_initial * static_cast<uint32_t>(Int(1, 4));
  settings_.log_records_max = static_cast<uint32_t>(Int(32, 256));
  settings_.retain_records = static_cast<uint32_t>(Int(8, 128));
}

void Drawer::DrawOneMember(size_t index, size_t count, int managers, bool witness) {
  MemberPlan plan;
  plan.settings = settings_;
  plan.settings.found = index == 0;
  plan.settings.quorum_none = scenario_.quorum_none;
  plan.self.id = MemberId(static_cast<uint32_t>(index + 1));
  plan.self.role = static_cast<int>(index) < managers ? Role::kManager
                   : random_.Chance(0.2)              ? Role::kSwitch
                                                      : Role::kEngine;
  if (witness && index + 1 == count) plan.self.role = Role::kWitness;
  plan.self.priority = static_cast<uint8_t>(index);
  plan.self.unicast = {.ip = IpAddress::V4(10, 0, 0, static_cast<uint8_t>(index + 1)),
                       .port = 7003};
  plan.wake_latency_max = Us(5, 80);
  plan.disk_delay_max = random_.Chance(0.2) ? Ms(5, 30) : Us(100, 3000);
  plan.save_gap = random_.Chance(0.5) ? Duration::zero() : Ms(1, 200);
  plan.acks_first = random_.Chance(0.3);
  plan.queue_packets = random_.Chance(0.2) ? static_cast<size_t>(Int(64, 256)) : 4096;
  plan.clock_offset = Ms(0, 1000000);
  scenario_.members.push_back(plan);
}

void Drawer::DrawMembers() {
  int count = Int(count_lo_, count_hi_);
  int managers = std::min(count, Int(std::min(2, count), managers_hi_));
  bool witness = count >= 3 && managers < count && random_.Chance(0.15);
  for (int i = 0; i < count; ++i) {
    DrawOneMember(static_cast<size_t>(i), static_cast<size_t>(count), managers, witness);
  }
}

void Drawer::DrawNetworkAndWorkload() {
  scenario_.faulty_phase = Ms(500, 1100);
  scenario_.link.delay = Us(10, 150);
  scenario_.link.jitter = Us(0, random_.Chance(0.3) ? 1500 : 150);
  scenario_.link.loss = random_.Chance(0.3) ? 0 : Share(0.06);
  scenario_.link.duplicate = random_.Chance(0.5) ? 0 : Share(0.05);
  WorkloadPlan& w = scenario_.workload;
  w.send_gap = Ms(5, 40);
  w.streams = static_cast<uint8_t>(Int(1, 4));
  w.received = random_.Chance(0.3) ? 0 : Share(0.5);
  w.long_message = Share(0.08);
  w.huge_message = random_.Chance(0.08) ? 0.01 : 0;
  w.abort = Share(0.05);
  w.prepare = random_.Chance(0.6) ? 0 : Share(0.1);
  w.snapshot_padding = static_cast<size_t>(random_.Chance(0.3) ? Int(1000, 100000) : 0);
}

void Drawer::DrawFaults() {
  for (double& weight : scenario_.fault_weights) weight = 0;
  Weight(Fault::kCrashAny) = 1;
  Weight(Fault::kCrashSm) = 0.5;
  Weight(Fault::kStopAny) = 0.7;
  Weight(Fault::kPartition) = 0.5;
  Weight(Fault::kPauseCredit) = 0.7;
  Weight(Fault::kPromote) = 0.5;
  Weight(Fault::kLossBurst) = 0.7;
  Weight(Fault::kSlowDown) = 0.7;
  Weight(Fault::kHostile) = 0.7;
  Weight(Fault::kStartLate) = 1;
  scenario_.fault_gap = Ms(60, 250);
}

void Drawer::SpecialiseQuiet() {
  Scenario& s = scenario_;
  for (double& weight : s.fault_weights) weight = 0;
  s.faulty_phase = Ms(300, 500);
  s.link = {.loss = 0.005 + Share(0.05), .duplicate = 0, .delay = Us(20, 80), .jitter = Us(0, 60)};
  s.workload.abort = 0;
  s.workload.prepare = 0;
  s.workload.send_gap = Ms(3, 8);
  s.workload.long_message = 0.05;
  s.workload.huge_message = 0;  // Fills the interface's queue: repairs then wait behind it.
  for (MemberPlan& plan : s.members) {
    plan.queue_packets = 4096;
    plan.wake_latency_max = Us(5, 30);
    CoreSettings& c = plan.settings;
    c.heartbeat_interval = milliseconds(200);
    c.detection_timeout = milliseconds(1500);
    c.stall_timeout = milliseconds(3000);
    c.view_wait = milliseconds(3000);
    c.fanout_after = milliseconds(3000);
    c.reorder_delay = microseconds(200);
    c.window_initial = 512;
    c.window_max = 2048;
    c.log_records_max = 4096;
    c.retain_records = 1024;
  }
}

void Drawer::SpecialiseChaos() {
  for (double& weight : scenario_.fault_weights) weight = Share(1);
  Weight(Fault::kPowerLoss) *= 0.05;
  Weight(Fault::kNoMulticast) *= 0.3;
  scenario_.fault_gap = Ms(30, 150);
}

void Drawer::SpecialiseSmDies() {
  Scenario& s = scenario_;
  for (double& weight : s.fault_weights) weight *= 0.2;
  Weight(Fault::kCrashSmAtCommit) = 8;
  s.fault_gap = Ms(100, 200);
  s.faulty_phase = s.faulty_phase * 3 / 2;
  s.workload.send_gap = Ms(3, 10);
}

void Drawer::SpecialiseOverrun() {
  Scenario& s = scenario_;
  for (MemberPlan& plan : s.members)
    plan.settings.learner_queue_records = static_cast<uint32_t>(Int(2, 20));
  s.workload.send_gap = Ms(1, 4);
  s.workload.long_message = 0.1;
  s.workload.snapshot_padding = static_cast<size_t>(Int(50000, 300000));
  Weight(Fault::kCrashAny) = 3;
}

void Drawer::SpecialiseQuorumNone() {
  Scenario& s = scenario_;
  for (double& weight : s.fault_weights) weight *= 0.15;
  Weight(Fault::kPartition) = 6;
  Weight(Fault::kOneWay) = 0.5;
  s.fault_gap = Ms(150, 300);
  s.restart_without_disk = 0;
  s.faulty_phase *= 2;  // Both sides must notice, go on alone, and meet again.
}

void Drawer::SpecialiseCascade() {
  Scenario& s = scenario_;
  Weight(Fault::kCrashAtViewChange) = 6;
  Weight(Fault::kCrashSm) = 3;
  Weight(Fault::kPromote) = 3;
  s.fault_gap = Ms(30, 100);
}

void Drawer::SpecialisePartitions() {
  Weight(Fault::kPartition) = 4;
  Weight(Fault::kIsolateSm) = 4;
  Weight(Fault::kOneWay) = 3;
}

void Drawer::SpecialiseLarge() {
  Scenario& s = scenario_;
  s.workload.send_gap = Ms(60, 200);
  s.workload.huge_message = 0;
  s.faulty_phase = Ms(300, 600);
}

void Drawer::SpecialisePowerLoss() {
  Scenario& s = scenario_;
  Weight(Fault::kPowerLoss) = 4;
  s.fault_gap = Ms(150, 300);
}

void Drawer::SpecialiseFaulty() {
  Scenario& s = scenario_;
  switch (s.profile) {
    case Profile::kLossOnly:
      SpecialiseQuiet();
      break;
    case Profile::kReorder:
      s.link.jitter = Us(1000, 4000);
      s.link.duplicate = 0.05 + Share(0.2);
      break;
    case Profile::kAborts:
      s.workload.abort = 0.3;
      s.workload.prepare = 0.1;
      break;
    case Profile::kSmDies:
      SpecialiseSmDies();
      break;
    case Profile::kPartitions:
      SpecialisePartitions();
      break;
    case Profile::kStops:
      Weight(Fault::kStopAny) = 3;
      Weight(Fault::kStopSm) = 6;
      break;
    case Profile::kRestarts:
      Weight(Fault::kCrashAny) = 8;
      s.fault_gap = Ms(40, 120);
      break;
    case Profile::kCascade:
      SpecialiseCascade();
      break;
    case Profile::kOverrun:
      SpecialiseOverrun();
      break;
    case Profile::kQuorumNone:
      SpecialiseQuorumNone();
      break;
    case Profile::kNoMulticast:
      Weight(Fault::kNoMulticast) = 4;
      s.faulty_phase *= 2;
      break;
    case Profile::kLarge:
      SpecialiseLarge();
      break;
    case Profile::kPrepare:
      s.workload.prepare = 0.5;
      break;
    case Profile::kPowerLoss:
      SpecialisePowerLoss();
      break;
    case Profile::kHostile:
      Weight(Fault::kHostile) = 20;
      s.fault_gap = Ms(15, 60);
      break;
    case Profile::kChaos:
      SpecialiseChaos();
      break;
  }
}

// The last to be drawn, and for some seeds only: all the others tell the stories that they told
// before there were farms.
void Drawer::DrawIntent() {
  Scenario& s = scenario_;
  const bool fits = s.profile != Profile::kLossOnly && s.profile != Profile::kQuorumNone;
  s.managers_keep_intent = fits && s.seed / kProfileCount % kFarmEach == kFarmEach - 1;
  if (!s.managers_keep_intent) return;
  s.workload.order_gap = Ms(2, 20);
  Weight(Fault::kPromote) *= 3;  // Learners that are ready shall see others lead.
  const double light = random_.Chance(0.4) ? 1 : Share(1);
  const Duration restore_max = random_.Chance(0.5) ? Ms(0, 5) : Ms(20, 300);
  for (MemberPlan& plan : s.members) {
    plan.settings.lead_only_if_full = true;
    plan.settings.full_when_ready = true;
    plan.restore_max = restore_max;
    plan.self.light = plan.self.role == Role::kEngine && random_.Chance(light);
  }
}

Scenario Drawer::Draw() {
  scenario_.profile = static_cast<Profile>(scenario_.seed % kProfileCount);
  if (scenario_.profile == Profile::kLarge) {
    count_lo_ = 12;
    count_hi_ = 32;
  } else if (scenario_.profile == Profile::kQuorumNone) {
    count_lo_ = count_hi_ = 2;
    scenario_.quorum_none = true;
  } else if (scenario_.profile == Profile::kChaos) {
    count_lo_ = 2;
    count_hi_ = 9;
  }
  DrawSettings();
  DrawMembers();
  DrawNetworkAndWorkload();
  DrawFaults();
  SpecialiseFaulty();
  if (scenario_.fault_weights[static_cast<size_t>(Fault::kStartLate)] > 0) {
    for (size_t i = scenario_.members.size(); i-- > 2;) {
      if (random_.Chance(0.4)) scenario_.members[i].starts_late = true;
    }
  }
  DrawIntent();
  return scenario_;
}

}  // namespace

Scenario Scenario::Draw(uint64_t seed) { return Drawer(seed).Draw(); }

}  // namespace strata::simulation

#include "multicast/driver/settings.h"

#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "common/address.h"
#include "multicast/driver/key_file.h"

namespace strata::multicast {
namespace {

// Collects errors, each with the key it is about.
class Findings {
 public:
  Findings(std::string_view file, std::string_view section)
      : prefix_(std::string(file) + ": " + std::string(section) + ".") {}

  void Add(std::string_view key, std::string_view what) {
    if (!text_.empty()) text_ += '\n';
    text_ += prefix_ + std::string(key) + ": " + std::string(what);
  }
  void Require(bool condition, std::string_view key, std::string_view what) {
    if (!condition) Add(key, what);
  }
  Status ToStatus() const {
    return text_.empty() ? Ok() : MakeStatus(StatusCode::kInvalidArgument, text_);
  }

 private:
  const std::string prefix_;
  std::string text_;
};

Role ToRole(v1::MulticastSettings::Role role) {
  switch (role) {
    case v1::MulticastSettings::ROLE_MANAGER:
      return Role::kManager;
    case v1::MulticastSettings::ROLE_SWITCH:
      return Role::kSwitch;
    case v1::MulticastSettings::ROLE_WITNESS:
      return Role::kWitness;
    case v1::MulticastSettings::ROLE_OBSERVER:
      return Role::kObserver;
    default:
      return Role::kEngine;
  }
}

void ReadTimers(const v1::MulticastTimers& timers, CoreSettings& core) {
  core.heartbeat_interval = Duration(timers.heartbeat_interval());
  core.detection_timeout = Duration(timers.detection_timeout());
  core.stall_timeout = Duration(timers.stall_timeout());
  core.ack_tick = Duration(timers.ack_tick());
  core.pack_delay = Duration(timers.pack_delay());
  core.reorder_delay = Duration(timers.reorder_delay());
  core.repair_initial = Duration(timers.repair_initial());
  core.repair_min = Duration(timers.repair_min());
  core.repair_max = Duration(timers.repair_max());
  core.propose_retry = Duration(timers.propose_retry());
  core.propose_backoff = Duration(timers.propose_backoff());
  core.collect_timeout = Duration(timers.collect_timeout());
  core.takeover_stagger = Duration(timers.takeover_stagger());
  core.view_wait = Duration(timers.view_wait());
  core.join_interval = Duration(timers.join_interval());
  core.found_wait = Duration(timers.found_wait());
  core.prepare_timeout = Duration(timers.prepare_timeout());
  core.reply_timeout = Duration(timers.reply_timeout());
  core.fanout_after = Duration(timers.fanout_after());
  core.fanout_heal = Duration(timers.fanout_heal());
  core.admission_tries = timers.admission_tries();
}

void CheckTimers(const CoreSettings& core, Findings& findings) {
  findings.Require(core.detection_timeout >= 3 * core.heartbeat_interval,
                   "timers.detection_timeout", "must be at least three heartbeat intervals");
  findings.Require(core.stall_timeout >= core.detection_timeout, "timers.stall_timeout",
                   "must not be below the detection timeout");
  findings.Require(core.repair_min <= core.repair_max, "timers.repair_min",
                   "must not be above repair_max");
  findings.Require(core.repair_initial >= core.repair_min && core.repair_initial <= core.repair_max,
                   "timers.repair_initial", "must lie between repair_min and repair_max");
  findings.Require(core.ack_tick <= core.heartbeat_interval, "timers.ack_tick",
                   "must not be above the heartbeat interval");
}

void ReadCapacity(const v1::MulticastCapacity& capacity, CoreSettings& core, Findings& findings) {
  core.receive_records = capacity.receive_records();
  core.window_initial = capacity.window_initial();
  core.window_max = capacity.window_max();
  core.send_queue_records = capacity.send_queue_records();
  core.log_records_max = capacity.log_records_max();
  core.retain_records = capacity.retain_records();
  core.learner_queue_records = capacity.learner_queue_records();
  findings.Require(std::has_single_bit(core.receive_records), "capacity.receive_records",
                   "must be a power of two");
  findings.Require(core.window_initial <= core.window_max, "capacity.window_initial",
                   "must not be above window_max");
}

void ReadSockets(const v1::MulticastSettings& settings, SocketSettings& sockets,
                 Findings& findings) {
  sockets.interface = settings.interface();
  sockets.port = static_cast<uint16_t>(settings.group_port());
  sockets.unicast_port = static_cast<uint16_t>(settings.unicast_port());
  sockets.ttl = static_cast<int>(settings.ttl());
  sockets.loopback = settings.loopback();
  sockets.receive_buffer_bytes = static_cast<uint32_t>(settings.receive_buffer());
  sockets.send_buffer_bytes = static_cast<uint32_t>(settings.send_buffer());
  sockets.segmentation = settings.segmentation();
  sockets.coalescing = settings.coalescing();
  StatusOr<IpAddress> group = IpAddress::Parse(settings.group_address());
  if (!group.ok() || !group->IsMulticast()) {
    findings.Add("group_address", "\"" + settings.group_address() + "\" is no multicast address");
    return;
  }
  sockets.group = *group;
  if (settings.unicast_address().empty()) return;
  StatusOr<IpAddress> own = IpAddress::Parse(settings.unicast_address());
  if (!own.ok() || own->IsMulticast() || own->family() != group->family()) {
    findings.Add("unicast_address", "\"" + settings.unicast_address() +
                                        "\" is no unicast address of the group's family");
    return;
  }
  sockets.address = *own;
}

void ReadMember(const v1::MulticastSettings& settings, GroupOptions& options, Findings& findings) {
  options.core.group = GroupId(settings.group_id());
  options.member = MemberId(settings.member_id());
  options.role = ToRole(settings.role());
  options.priority = static_cast<uint8_t>(settings.priority());
  options.mtu = static_cast<uint16_t>(settings.mtu());
  options.spin = Duration(settings.spin());
  options.state_file = settings.state_file();
  options.state_at_once = settings.state_at_once();
  options.core.found = settings.found();
  options.core.quorum_none = settings.quorum_none();
  options.core.allow_fan_out = settings.allow_fan_out();
  findings.Require(options.mtu == 0 || options.mtu >= kMinMtu, "mtu",
                   "must be 0 or from 1280 to 9000");
  findings.Require(!options.core.found || options.role == Role::kManager, "found",
                   "only a manager founds a group");
  findings.Require(!options.state_file.empty() || options.role == Role::kObserver, "state_file",
                   "only an observer can do without");
  for (const std::string& seed : settings.seeds()) {
    StatusOr<Endpoint> endpoint = Endpoint::Parse(seed);
    if (endpoint.ok()) {
      options.core.seeds.push_back(*endpoint);
    } else {
      findings.Add("seeds", MessageOf(endpoint.status()));
    }
  }
}

}  // namespace

StatusOr<GroupOptions> ToGroupOptions(const v1::MulticastSettings& settings, std::string_view file,
                                      std::string_view section) {
  Findings findings(file, section);
  GroupOptions options;
  ReadMember(settings, options, findings);
  ReadSockets(settings, options.sockets, findings);
  ReadTimers(settings.timers(), options.core);
  CheckTimers(options.core, findings);
  ReadCapacity(settings.capacity(), options.core, findings);
  if (!settings.key_file().empty()) {
    StatusOr<std::vector<GroupKey>> keys = ReadKeyFile(settings.key_file());
    if (keys.ok()) {
      options.keys = *std::move(keys);
    } else {
      findings.Add("key_file", MessageOf(keys.status()));
    }
  }
  STRATA_RETURN_IF_ERROR(findings.ToStatus());
  return options;
}

}  // namespace strata::multicast

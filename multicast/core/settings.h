#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/time.h"
#include "multicast/wire/types.h"

namespace strata::multicast {

// What a deployment may choose (docs/protocols/multicast.md, section 12). All members of a group
// should have the same, but nothing breaks if they differ. Values must be positive; Core checks the
// ranges that its own safety needs, common settings check the rest.
struct CoreSettings {
  using ms = std::chrono::milliseconds;
  using us = std::chrono::microseconds;

  GroupId group{};

  Duration heartbeat_interval = ms(50);
  Duration detection_timeout = ms(250);
  Duration stall_timeout = ms(2000);
  Duration ack_tick = ms(1);
  Duration pack_delay = us(200);
  Duration reorder_delay = us(200);
  Duration repair_initial = ms(1);
  Duration repair_min = us(500);
  Duration repair_max = ms(50);
  Duration propose_retry = ms(10);
  Duration propose_backoff = ms(100);
  Duration collect_timeout = ms(100);
  Duration takeover_stagger = ms(50);
  Duration view_wait = ms(500);
  Duration join_interval = ms(100);
  Duration found_wait = ms(1000);
  Duration prepare_timeout = ms(2000);
  Duration reply_timeout = ms(4000);
  Duration fanout_after = ms(1000);
  Duration fanout_heal = ms(5000);
  int admission_tries = 5;

  uint32_t receive_records = 16384;  // Capacity for each sender; a power of two, at least 16384.
  uint32_t window_initial = 512;     // Records.
  uint32_t window_max = 2048;
  uint32_t send_queue_records = 32768;
  uint32_t log_records_max = 4096;
  uint32_t retain_records = 1024;
  uint32_t learner_queue_records = 65536;

  bool quorum_none = false;  // Only for groups of two (design of the take-over: section 8.4).
  // A manager without a view in memory proposes only if the last view had it as a full member. For
  // applications whose managers keep on disk what others wait for: one that was away does not know
  // it. If none of the managers of the last view comes back, somebody has to decide by hand.
  bool lead_only_if_full = false;
  // A learner becomes full only after the application has said so (Core::Ready), in this membership
  // and under this SM: for what it has to have beside the group's state.
  bool full_when_ready = false;
  bool allow_fan_out = true;
  bool found = false;           // Found the group if there is no durable view.
  std::vector<Endpoint> seeds;  // Unicast addresses that JOIN is also sent to.
};

// Who this member is; its incarnation is drawn by the core.
struct SelfDescription {
  MemberId id{};
  Role role = Role::kEngine;
  uint8_t priority = 0;
  bool light = false;  // See MemberInfo.
  uint8_t version_min = kProtocolVersion;
  uint8_t version_max = kProtocolVersion;
  uint8_t application_version = 0;  // See MemberInfo.
  uint16_t mtu = 1500;
  Endpoint unicast;
};

}  // namespace strata::multicast

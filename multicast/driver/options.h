#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/time.h"
#include "multicast/core/settings.h"
#include "multicast/driver/interceptor.h"
#include "multicast/driver/key_file.h"
#include "multicast/driver/socket_set.h"

namespace strata::multicast {

// All it takes to join a group. What a group is and who this member is has no default.
struct GroupOptions {
  CoreSettings core;  // The group's id and the protocol's settings.
  MemberId member{};  // Not 0, unique in the group.
  Role role = Role::kEngine;
  uint8_t priority = 0;  // Managers: their order of take-over, smallest first.
  bool light = false;    // The application keeps a part of the state, and gives it to nobody.
  uint8_t application_version = 0;  // Told to the others in the view: see MemberInfo.
  uint16_t mtu = 0;                 // 0: the interface's.
  SocketSettings sockets;

  std::vector<GroupKey> keys;  // None: an open group. The first is the one to send with.

  std::string state_file;      // Empty: nothing is durable; for learners and tests.
  bool state_at_once = false;  // Write it inside the turn instead of on a thread of its own.
  // Whoever says which group this is is right, also where the state file is of another one, or of
  // another member: it counts as none then, and is replaced.
  bool may_change_group = false;
  uint64_t durable_commit = 0;  // Up to where the application's state is on disk.

  bool own_thread = false;  // Else somebody has to call Group::Poll.
  Duration spin =
      std::chrono::microseconds(20);  // Before sleeping, where more comes soon; 0: none.

  std::vector<std::shared_ptr<Interceptor>> interceptors;  // For tests.
};

}  // namespace strata::multicast

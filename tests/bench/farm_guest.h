#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/bytes.h"
#include "common/metrics.h"
#include "common/status.h"
#include "farm/member/farm_member.h"
#include "service_engine/rpc/manager_client.h"

namespace strata::bench {

// A member of a farm that is no engine of anybody's: it has registered as one, and says what a
// benchmark has it say. Nobody can be sent to it. For one thread, but for what FarmMember allows.
class FarmGuest {
 public:
  struct Place {
    std::vector<std::string> managers;
    std::string certificates;  // A folder as `strata pki issue` writes it, of an engine.
    IpAddress address;
    std::string interface;
    bool loopback = false;  // All of the farm is on this interface of one machine.
  };

  // Registers, when the guest before this one is forgotten; the listener has to outlive the guest.
  // Whether it is in the group the listener is told, a little later.
  static StatusOr<std::unique_ptr<FarmGuest>> Join(const Place& place, farm::FarmListener& listener,
                                                   MetricRegistry& metrics);

  // As engines do once a second: without it the group's keys, which change when a member is lost,
  // are unknown some time later. Registers anew at a manager that does not know this guest.
  Status Renew();
  // As engines do of contents that they told as new. By the thread that renews.
  Status TellUris(const std::vector<std::string>& uris) { return client_.TellUris(uris); }

  farm::FarmMember& member() { return *member_; }
  farm::EngineId id() const { return id_; }

 private:
  FarmGuest(const Place& place, std::shared_ptr<const tls::TlsStore> store);
  StatusOr<engine::rpc::Registration> Register();

  Bytes instance_;
  farm::EngineInfo info_;
  farm::EngineId id_{};
  uint64_t registration_ = 0;
  engine::rpc::ManagerClient client_;
  std::unique_ptr<farm::FarmMember> member_;
};

}  // namespace strata::bench

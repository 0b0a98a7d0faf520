#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/bytes.h"
#include "common/time.h"
#include "farm/member/farm_member.h"
#include "service_engine/app/farm_table.h"
#include "service_engine/app/inventory_teller.h"
#include "service_engine/rpc/manager_client.h"

namespace strata::engine::app {

// Keeps an engine's registration alive, on a thread of its own: renews it, brings the group's new
// keys and weights, tells the URIs of what the engine holds, soon after it told the contents; has
// the state taken anew when the manager says that it is another one than its own. A manager that
// cannot be reached is no matter; one that refuses is: `on_refusal` is called once, with its words.
class ManagerLink {
 public:
  ManagerLink(rpc::ManagerClient& client, farm::FarmMember& member, InventoryTeller& teller,
              FarmTable& table, Bytes instance, uint64_t registration,
              std::function<void(const Status&)> on_refusal);
  ~ManagerLink();

 private:
  void Loop();
  bool AwaitStop(Duration limit);  // False: not until then.
  // `uris`: what could not be told before, then what cannot be told now.
  void TellUris(std::vector<std::string>& uris);
  bool Renew();  // False: refused.
  void Take(const rpc::Renewal& renewal);

  rpc::ManagerClient& client_;
  farm::FarmMember& member_;
  InventoryTeller& teller_;
  FarmTable& table_;
  const Bytes instance_;
  const uint64_t registration_;
  const std::function<void(const Status&)> on_refusal_;

  uint64_t differed_at_ = 0;  // The last one that was acted upon.

  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace strata::engine::app

#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "common/metrics.h"
#include "farm/member/farm_member.h"

// For tests: a farm of a manager and an engine, on lo. Call multicast::EnterPrivateNetwork first.
namespace strata::engine::app {

class SmallFarm {
 public:
  static constexpr farm::EngineId kManager{1};
  static constexpr farm::EngineId kEngine{2};

  // Looks again and again, for what nobody tells; false if it does not come to be so.
  static bool Poll(const std::function<bool()>& condition);

  SmallFarm();  // Returns when both are in, and the engine is registered.
  ~SmallFarm();

  farm::FarmMember& manager() { return *manager_.member; }
  farm::FarmMember& engine() { return *engine_.member; }
  // As the manager; the engine has it when this returns.
  void Say(const farm::Message& message);
  // Called for each message that the engine gets.
  void OnEngineMessage(std::function<void(const farm::Message&)> callback);
  // Waits until the manager has got a message of this sort.
  bool AwaitMessage(const std::function<bool(const farm::Message&)>& sort);
  // Waits until the manager's replica is so.
  bool Await(const std::function<bool(const farm::TableReplica&)>& condition);

 private:
  class Listener;
  struct Side {
    MetricRegistry metrics;
    std::unique_ptr<Listener> listener;
    std::unique_ptr<farm::FarmMember> member;
  };
  void Join(Side& side, uint32_t id, uint16_t port);

  Side manager_;
  Side engine_;
};

}  // namespace strata::engine::app

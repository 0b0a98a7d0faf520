#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "farm/director.h"
#include "farm/member/farm_member.h"
#include "service_engine/rpc/holder_finder.h"
#include "service_engine/transfer/agent_server.h"

namespace strata::engine::app {

// What the agent asks, answered from the engine's own state table; a light engine's manager is
// asked who holds what. Any thread.
class FarmTable final : public transfer::AgentTable {
 public:
  // Has a content's cached copy removed: see AgentTable::Invalidate.
  using Invalidator = std::function<void(const farm::ContentKey& key, std::function<void()> done)>;

  // `member`, and `finder` if it is not null, have to outlive it. `weights`: those of the whole
  // farm. `finder`: of a light engine.
  FarmTable(farm::FarmMember& member, const farm::LoadWeights& weights, rpc::HolderFinder* finder,
            Invalidator invalidator, MetricRegistry& metrics);

  // The farm's weights have changed.
  void SetWeights(const farm::LoadWeights& weights);

  std::shared_ptr<const farm::Site> SiteOfHost(std::string_view first_host) override;
  std::vector<Peer> Holders(const farm::ContentKey& key, uint64_t draw) override;
  bool KnowsHolders() const override { return finder_ == nullptr; }
  // If the manager does not answer, it is as if nobody held it.
  void AskHolders(const farm::ContentKey& key, uint64_t draw, TakeHolders done) override;
  std::vector<Peer> Fillers(const farm::ContentKey& key) override;
  bool IsMember(const IpAddress& address) override;
  void PeerLacks(farm::EngineId engine, const farm::ContentKey& key) override;
  void Invalidate(const farm::ContentKey& key, std::function<void()> done) override;

 private:
  std::shared_ptr<const farm::DirectorSettings> settings() const;

  farm::FarmMember& member_;
  rpc::HolderFinder* const finder_;
  const Invalidator invalidator_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<const farm::DirectorSettings> settings_ ABSL_GUARDED_BY(mutex_);
  Counter& lacks_;
};

}  // namespace strata::engine::app

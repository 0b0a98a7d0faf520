#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/metrics.h"
#include "service_engine/app/small_farm.h"
#include "service_engine/transfer/agent_server.h"

// For tests: an agent that knows of no site and of nobody else.
namespace strata::engine::app {

class NoTable final : public transfer::AgentTable {
 public:
  std::shared_ptr<const farm::Site> SiteOfHost(std::string_view) override { return nullptr; }
  std::vector<Peer> Holders(const farm::ContentKey&, uint64_t) override { return {}; }
  std::vector<Peer> Fillers(const farm::ContentKey&) override { return {}; }
  bool IsMember(const IpAddress&) override { return false; }
  void PeerLacks(farm::EngineId, const farm::ContentKey&) override {}
  void Invalidate(const farm::ContentKey&, std::function<void()> done) override { done(); }
};

// A folder for an agent's files, whose path is short enough for a socket.
inline std::string NewAgentFolder() {
  std::string folder = "/tmp/strata-agent-XXXXXX";
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  return folder;
}

// The agent of SmallFarm's engine. Null, and the test has failed, if it cannot start.
inline std::unique_ptr<transfer::AgentServer> StartAgent(const std::string& folder, NoTable& table,
                                                         MetricRegistry& metrics) {
  transfer::AgentOptions options;
  options.socket_path = folder + "/agent";
  options.spool_folder = folder;
  options.self = SmallFarm::kEngine;
  options.self_name = "north-1";
  options.loop_token = "test";
  auto agent = transfer::AgentServer::Start(options, table, metrics);
  EXPECT_TRUE(agent.ok()) << agent.status().ToString();
  return agent.ok() ? *std::move(agent) : nullptr;
}

}  // namespace strata::engine::app

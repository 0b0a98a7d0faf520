#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/metrics.h"
#include "common/random.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/frontend/front_end.h"
#include "service_manager/frontend/test_http.h"
#include "service_manager/routing/routing_snapshot.h"

namespace strata::manager::frontend::testing {

// A front end on the loopback with a redirected site (films.example, open to any web page) and a
// forwarded one (relay.example).
class FrontEndTest : public ::testing::Test {
 protected:
  FrontEndTest() {
    options_.listen = {*Endpoint::Parse("127.0.0.1:0")};
    AddEngine(1, *Endpoint::Parse("192.0.2.1:80"));
  }

  void AddEngine(uint32_t id, const Endpoint& endpoint) {
    routing::RoutedEngine engine;
    engine.card.id = farm::EngineId(id);
    engine.card.status = farm::EngineStatus::kUp;
    engine.name = "e" + std::to_string(id);
    engine.clients = {endpoint};
    engines_.push_back(engine);
  }
  void Hold(const std::string& uri, uint32_t engine) {
    index_.Add(farm::KeyOf(uri),
               {.holder = directory::Holder(engine), .flags = directory::kComplete});
  }

  void Publish() {
    farm::SiteTable sites;
    farm::Site films;
    films.name = "films";
    films.version = 1;
    films.hosts = {"films.example"};
    films.cors_origins = {"*"};
    farm::Site relay;
    relay.name = "relay";
    relay.version = 1;
    relay.hosts = {"relay.example"};
    relay.mode = farm::Site::Mode::kForward;
    EXPECT_TRUE(sites.Apply(films).ok());
    EXPECT_TRUE(sites.Apply(relay).ok());
    front_end_->Publish(std::make_shared<routing::RoutingSnapshot>(
        std::make_shared<routing::SitesByHost>(sites), engines_, true));
  }
  void Start() {
    StatusOr<std::unique_ptr<FrontEnd>> front_end = FrontEnd::Start(options_, index_, metrics_);
    ASSERT_TRUE(front_end.ok()) << front_end.status();
    front_end_ = *std::move(front_end);
    Publish();
  }

  HttpConnection Connect(size_t listener = 0) {
    return HttpConnection::To(front_end_->endpoints()[listener]);
  }
  // One request on a connection of its own.
  HttpMessage Ask(const std::string& request) {
    HttpConnection connection = Connect();
    EXPECT_TRUE(connection.Send(request));
    const auto answer = connection.Receive(request.starts_with("HEAD"));
    EXPECT_TRUE(answer) << request;
    return answer.value_or(HttpMessage());
  }
  double Count(const std::string& name, const std::string& ending = "") {
    double sum = 0;
    for (const MetricSample& sample : metrics_.Samples()) {
      if (sample.name != name) continue;
      if (ending.empty() || sample.labels.at("ending") == ending) sum += sample.value;
    }
    return sum;
  }
  double Ended(const std::string& ending) {
    return Count("strata_frontend_requests_total", ending);
  }

  // What is forwarded is counted after its last byte was written: waits, 10 s at most.
  bool Counts(const std::string& ending, double count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (Ended(ending) != count && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    return Ended(ending) == count;
  }

  SeededRandom random_{1};
  directory::LocationIndex index_{random_};
  MetricRegistry metrics_;
  FrontEndOptions options_;
  std::vector<routing::RoutedEngine> engines_;
  std::unique_ptr<FrontEnd> front_end_;
};

}  // namespace strata::manager::frontend::testing

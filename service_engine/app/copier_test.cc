#include "service_engine/app/copier.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/hex.h"
#include "farm/content_identity.h"
#include "multicast/driver/clock.h"
#include "multicast/driver/private_network.h"
#include "service_engine/app/fake_adapter.h"
#include "service_engine/app/lonely_agent.h"
#include "service_engine/app/small_farm.h"
#include "service_engine/transfer/one_peer.h"

namespace strata::engine::app {
namespace {

namespace fs = std::filesystem;
using transfer::OnePeer;

const bool kPrivateNetwork = multicast::EnterPrivateNetwork();

constexpr farm::EngineId kOther{3};
constexpr char kUri[] = "http://films.example/a/film.mp4";
constexpr char kFilm[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfilm";
// Of "film".
constexpr char kSum[] = "d0607f7ad2628b2af9158dfba06ce87166e66b15bf68f8f358f9aa27ccb7c321";

rpc::CopyOrder OrderOf(const std::string& sum = kSum) {
  rpc::CopyOrder order;
  order.key = farm::KeyOf(kUri);
  order.source = kOther;
  order.uri = kUri;
  order.size = 4;
  const auto bytes = FromHex(sum);
  EXPECT_TRUE(bytes.has_value());
  if (bytes) std::copy(bytes->begin(), bytes->end(), order.sha256.begin());
  return order;
}

// An engine whose manager says what the test wants.
class CopierTest : public ::testing::Test {
 protected:
  CopierTest() {
    folder_ = NewAgentFolder();
    fs::create_directories(folder_ + "/library/films");
    agent_ = StartAgent(folder_, table_, metrics_);
    farm::Site films;
    films.name = "films";
    films.version = 1;
    films.hosts = {"films.example"};
    farm_.Say(farm::SiteApplied{films});
    ContentKeeper::Options options;
    options.self = SmallFarm::kEngine;
    keeper_ = std::make_unique<ContentKeeper>(options, farm_.engine(), adapter_, *agent_,
                                              *PurgePositions::Open(folder_ + "/positions"),
                                              std::vector<farm::Site>(), metrics_);
    EXPECT_TRUE(SmallFarm::Poll([this] { return keeper_->open(); }));
  }
  ~CopierTest() override {
    copier_.reset();
    keeper_.reset();
    agent_.reset();
    fs::remove_all(folder_);
  }

  // Another engine is there, where `peer` is; one of the two is drained.
  void Drain(const OnePeer& peer, farm::EngineId drained = kOther) {
    farm::EngineInfo info;
    info.id = kOther;
    info.name = "south-1";
    info.clients = info.peers = {peer.endpoint()};
    farm_.Say(farm::EngineRegistered{info, 1});
    farm_.Say(farm::DrainChanged{drained, true});
  }
  // The manager answers with this, once.
  void Start(const rpc::CopyWork& work, const Endpoint& own_peer = {}) {
    work_ = work;
    Copier::Options options;
    options.self = SmallFarm::kEngine;
    options.own_peers = {own_peer};
    options.library_folder = folder_ + "/library";
    options.ask_every = std::chrono::milliseconds(10);
    options.bytes_per_second = bytes_per_second_;
    copier_ = std::make_unique<Copier>(
        options, farm_.engine(), adapter_, *keeper_,
        [this](const rpc::CopyReport& report) -> StatusOr<rpc::CopyWork> {
          const std::lock_guard lock(mutex_);
          reports_.push_back(report);
          return std::exchange(work_, rpc::CopyWork());
        },
        metrics_);
  }
  // What it said when it had done something.
  rpc::CopyReport Outcome() {
    rpc::CopyReport outcome;
    EXPECT_TRUE(SmallFarm::Poll([&] {
      const std::lock_guard lock(mutex_);
      for (const rpc::CopyReport& report : reports_) {
        if (report.done.empty() && report.prepared.empty()) continue;
        outcome = report;
        return true;
      }
      return false;
    }));
    return outcome;
  }
  std::string ProblemOfTheCopy() {
    const rpc::CopyReport outcome = Outcome();
    return outcome.done.size() == 1 ? outcome.done.front().problem : "not one copy";
  }
  std::string File() const {
    std::ifstream file(folder_ + "/library/films/a/film.mp4");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  SmallFarm farm_;
  NoTable table_;
  MetricRegistry metrics_;
  FakeAdapter adapter_;
  std::string folder_;
  std::unique_ptr<transfer::AgentServer> agent_;
  std::unique_ptr<ContentKeeper> keeper_;
  uint64_t bytes_per_second_ = 0;
  std::mutex mutex_;
  rpc::CopyWork work_;
  std::vector<rpc::CopyReport> reports_;
  std::unique_ptr<Copier> copier_;
};

TEST_F(CopierTest, CopiesIntoTheLibraryWhatItIsTold) {
  OnePeer peer(kFilm);
  Drain(peer);
  Start({{}, {OrderOf()}});
  EXPECT_EQ(ProblemOfTheCopy(), "");
  EXPECT_EQ(File(), "film");
  EXPECT_TRUE(peer.asked().starts_with("GET /_s/films.example/a/film.mp4 HTTP/1.1\r\n"));
  const std::lock_guard lock(mutex_);
  EXPECT_TRUE(reports_.front().takes);
  EXPECT_GT(reports_.front().free_bytes, 0u);
}

TEST_F(CopierTest, TakesCopiesNoFasterThanItMay) {
  OnePeer peer(kFilm);
  Drain(peer);
  bytes_per_second_ = 10;  // Of four.
  const Timestamp begun = multicast::Now();
  Start({{}, {OrderOf()}});
  EXPECT_EQ(ProblemOfTheCopy(), "");
  EXPECT_GE(multicast::Now() - begun, std::chrono::milliseconds(395));
}

TEST_F(CopierTest, OtherBytesThanWereSummedAreDropped) {
  OnePeer peer(kFilm);
  Drain(peer);
  Start({{}, {OrderOf(std::string(64, '0'))}});
  EXPECT_EQ(ProblemOfTheCopy(), "other bytes came than those that the drained engine had summed");
  EXPECT_EQ(File(), "");
}

TEST_F(CopierTest, WhatWasPurgedMeanwhileIsDropped) {
  OnePeer peer(kFilm);
  Drain(peer);
  farm_.Say(farm::Purged{"films", 1, {farm::KeyOf(kUri)}});
  Start({{}, {OrderOf()}});
  EXPECT_EQ(ProblemOfTheCopy(), "it was purged meanwhile");
  EXPECT_EQ(File(), "");
}

TEST_F(CopierTest, WhatTheOtherDoesNotHaveAnyMoreIsTold) {
  OnePeer peer("HTTP/1.1 504 Gateway Time-out\r\nContent-Length: 0\r\n\r\n");
  Drain(peer);
  Start({{}, {OrderOf()}});
  EXPECT_EQ(ProblemOfTheCopy(), "the other engine does not have it");
}

TEST_F(CopierTest, AnOrderThatDoesNotFitItsKeyIsRefused) {
  OnePeer peer(kFilm);
  Drain(peer);
  rpc::CopyOrder order = OrderOf();
  order.key.low += 1;
  Start({{}, {order}});
  EXPECT_EQ(ProblemOfTheCopy(), "its URI is not that of its key");
}

TEST_F(CopierTest, SaysWhatItHasWhileItIsDrained) {
  OnePeer own(kFilm);
  Drain(own, SmallFarm::kEngine);
  const farm::ContentKey key{7, 7};
  farm::Asset asset;
  asset.size = 4;
  adapter_.Hold(key, asset);
  Start({{key}, {}}, own.endpoint());
  const rpc::CopyReport outcome = Outcome();
  EXPECT_FALSE(outcome.takes);
  ASSERT_EQ(outcome.prepared.size(), 1u);
  EXPECT_EQ(outcome.prepared[0].problem, "");
  EXPECT_EQ(outcome.prepared[0].key, key);
  EXPECT_EQ(outcome.prepared[0].uri, "http://films.example/" + ToString(key));
  EXPECT_EQ(outcome.prepared[0].size, 4u);
  EXPECT_EQ(ToHex(outcome.prepared[0].sha256), kSum);
}

TEST_F(CopierTest, WhatIsNotHereAnyMoreIsTold) {
  OnePeer own(kFilm);
  Drain(own, SmallFarm::kEngine);
  Start({{farm::ContentKey{7, 7}}, {}}, own.endpoint());
  EXPECT_EQ(Outcome().prepared.at(0).problem, "it is not here any more");
}

TEST_F(CopierTest, RemainsOfALifeBeforeGo) {
  const std::string remains = folder_ + "/library/films/" + transfer::kCopyingFolder;
  fs::create_directory(remains);
  std::ofstream(remains + "/half") << "fi";
  Start({});
  EXPECT_TRUE(SmallFarm::Poll([&] { return !fs::exists(remains); }));
}

}  // namespace
}  // namespace strata::engine::app

#include "service_engine/core/miss_decision.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace strata::engine {
namespace {

using Kind = MissDecision::Kind;

constexpr farm::EngineId kSelf(1);

Peer MakePeer(uint32_t id) {
  Peer peer;
  peer.id = farm::EngineId(id);
  peer.name = "engine-" + std::to_string(id);
  const auto byte = static_cast<uint8_t>(id);
  peer.clients = {{IpAddress::V4(192, 0, 2, byte), 80},
                  {*IpAddress::Parse("2001:db8::" + std::to_string(id)), 8080}};
  peer.peers = {{IpAddress::V4(10, 0, 0, byte), 8090}};
  return peer;
}

class MissDecisionTest : public ::testing::Test {
 protected:
  MissDecisionTest() {
    site_.hosts = {"films.example", "www.films.example"};
    site_.origins = {farm::Origin{.host = "origin.example", .host_header = ""}};
    question_.client = IpAddress::V4(198, 51, 100, 1);
    question_.scheme = "http";
    question_.host = "www.films.example";
    question_.target = "/film?a=1";
  }

  MissDecision Decide() { return DecideMiss(question_, site_, kSelf, holders_, fillers_); }
  int Refused() {
    const MissDecision decision = Decide();
    return decision.kind == Kind::kRefuse ? decision.status : 0;
  }

  farm::Site site_;
  MissQuestion question_;
  std::vector<Peer> holders_;
  std::vector<Peer> fillers_;
};

TEST_F(MissDecisionTest, AClientIsSentToTheHolder) {
  holders_ = {MakePeer(2), MakePeer(3)};
  EXPECT_EQ(Decide().kind, Kind::kRedirect);
  EXPECT_EQ(Decide().status, 302);
  EXPECT_EQ(Decide().location, "http://192.0.2.2/_s/www.films.example/film?a=1");
}

TEST_F(MissDecisionTest, AnAddressOfTheClientsFamilyIsPreferred) {
  holders_ = {MakePeer(2)};
  question_.client = *IpAddress::Parse("2001:db8::99");
  EXPECT_EQ(Decide().location, "http://[2001:db8::2]:8080/_s/www.films.example/film?a=1");
  question_.client = *IpAddress::Parse("::ffff:198.51.100.1");
  EXPECT_EQ(Decide().location, "http://192.0.2.2/_s/www.films.example/film?a=1");
  holders_[0].clients.pop_back();
  question_.client = *IpAddress::Parse("2001:db8::99");
  EXPECT_EQ(Decide().location, "http://192.0.2.2/_s/www.films.example/film?a=1");
}

TEST_F(MissDecisionTest, TheHostFormNamesTheEngine) {
  holders_ = {MakePeer(2)};
  site_.redirect_form = farm::Site::RedirectForm::kHost;
  EXPECT_EQ(Decide().location, "http://engine-2.www.films.example/film?a=1");
}

TEST_F(MissDecisionTest, AnEngineIsNoHolderOfWhatItHasJustMissed) {
  holders_ = {MakePeer(1)};
  fillers_ = {MakePeer(1), MakePeer(2)};
  EXPECT_EQ(Decide().kind, Kind::kFill);
  holders_ = {MakePeer(1), MakePeer(3)};
  EXPECT_EQ(Decide().kind, Kind::kRedirect);
}

TEST_F(MissDecisionTest, WhatNobodyHoldsIsFilledByTheFirstFiller) {
  fillers_ = {MakePeer(2), MakePeer(1)};
  EXPECT_EQ(Decide().location, "http://192.0.2.2/_s/www.films.example/film?a=1");
  site_.mode = farm::Site::Mode::kForward;
  EXPECT_EQ(Decide().kind, Kind::kPeer);
  EXPECT_EQ(Decide().peer_target, "/_f/films.example/film?a=1");
  fillers_ = {MakePeer(1), MakePeer(2)};
  EXPECT_EQ(Decide().kind, Kind::kFill);
  fillers_.clear();
  EXPECT_EQ(Decide().kind, Kind::kFill);
}

TEST_F(MissDecisionTest, MissingCopiesAreMadeByThoseWhoShouldHaveThem) {
  site_.minimum_copies = 2;
  holders_ = {MakePeer(3)};
  fillers_ = {MakePeer(3), MakePeer(1), MakePeer(2)};
  EXPECT_EQ(Decide().kind, Kind::kFill);
  fillers_ = {MakePeer(3), MakePeer(2), MakePeer(1)};
  EXPECT_EQ(Decide().kind, Kind::kRedirect);
  holders_ = {MakePeer(3), MakePeer(2)};
  fillers_ = {MakePeer(3), MakePeer(1), MakePeer(2)};
  EXPECT_EQ(Decide().kind, Kind::kRedirect);
}

TEST_F(MissDecisionTest, ForwardSitesAskTheHolders) {
  site_.mode = farm::Site::Mode::kForward;
  holders_ = {MakePeer(2), MakePeer(3)};
  EXPECT_EQ(Decide().kind, Kind::kPeer);
  EXPECT_EQ(ToString(Decide().peer), "10.0.0.2:8090");
  EXPECT_EQ(Decide().peer_target, "/_s/films.example/film?a=1");
  question_.tried = {"10.0.0.2:8090"};
  EXPECT_EQ(ToString(Decide().peer), "10.0.0.3:8090");
}

TEST_F(MissDecisionTest, AfterAFewPeersItIsFilledHere) {
  site_.mode = farm::Site::Mode::kForward;
  for (uint32_t id = 2; id < 9; ++id) holders_.push_back(MakePeer(id));
  question_.tried = {"10.0.0.2:8090", "10.0.0.3:8090", "10.0.0.4:8090"};
  EXPECT_EQ(Decide().kind, Kind::kFill);
}

TEST_F(MissDecisionTest, WhoWasSentHereIsNotSentOn) {
  question_.form = MissForm::kRedirected;
  holders_ = {MakePeer(2)};
  EXPECT_EQ(Decide().kind, Kind::kPeer);
  holders_.clear();
  fillers_ = {MakePeer(2), MakePeer(1)};
  EXPECT_EQ(Decide().kind, Kind::kFill);
}

TEST_F(MissDecisionTest, HopsCountFromMembersOnlyAndGoNoFurther) {
  holders_ = {MakePeer(2)};
  fillers_ = {MakePeer(2)};
  for (const MissForm form : {MissForm::kPeer, MissForm::kPeerFill}) {
    question_.form = form;
    question_.from_member = false;
    EXPECT_EQ(Refused(), 403);
    question_.from_member = true;
    question_.method = MissMethod::kOther;
    EXPECT_EQ(Refused(), 405);
    question_.method = MissMethod::kHead;
    const bool only_held = form == MissForm::kPeer;
    EXPECT_EQ(Refused(), only_held ? 504 : 0);
    EXPECT_EQ(Decide().kind, only_held ? Kind::kRefuse : Kind::kFill);
  }
}

TEST_F(MissDecisionTest, OtherMethodsGoToTheOrigin) {
  holders_ = {MakePeer(2)};
  question_.method = MissMethod::kOther;
  EXPECT_EQ(Decide().kind, Kind::kForward);
  site_.origins.clear();
  EXPECT_EQ(Refused(), 405);
}

TEST_F(MissDecisionTest, WithoutAnOriginOnlyHoldersHelp) {
  site_.origins.clear();
  fillers_ = {MakePeer(2)};
  EXPECT_EQ(Refused(), 404);
  holders_ = {MakePeer(2)};
  EXPECT_EQ(Decide().kind, Kind::kRedirect);
}

TEST_F(MissDecisionTest, ALoopIsRefused) {
  question_.looped = true;
  EXPECT_EQ(Refused(), 508);
}

TEST_F(MissDecisionTest, PeersWithoutAddressesArePassedOver) {
  holders_ = {MakePeer(2), MakePeer(3)};
  holders_[0].clients.clear();
  EXPECT_EQ(Decide().location, "http://192.0.2.3/_s/www.films.example/film?a=1");
  site_.mode = farm::Site::Mode::kForward;
  holders_[0].peers.clear();
  EXPECT_EQ(ToString(Decide().peer), "10.0.0.3:8090");
}

TEST(AllowedWebOriginTest, OnlyWhatTheSiteNames) {
  farm::Site site;
  EXPECT_EQ(AllowedWebOrigin(site, "https://a.example"), "");
  site.cors_origins = {"https://a.example"};
  EXPECT_EQ(AllowedWebOrigin(site, "https://a.example"), "https://a.example");
  EXPECT_EQ(AllowedWebOrigin(site, "https://b.example"), "");
  EXPECT_EQ(AllowedWebOrigin(site, ""), "");
  site.cors_origins = {"*"};
  EXPECT_EQ(AllowedWebOrigin(site, "https://b.example"), "*");
}

TEST(MissFormTest, FormsAreThoseOfTheContract) {
  EXPECT_EQ(ParseMissForm("direct"), MissForm::kDirect);
  EXPECT_EQ(ParseMissForm("redirected"), MissForm::kRedirected);
  EXPECT_EQ(ParseMissForm("peer"), MissForm::kPeer);
  EXPECT_EQ(ParseMissForm("peer-fill"), MissForm::kPeerFill);
  EXPECT_EQ(ParseMissForm("Direct"), std::nullopt);
}

}  // namespace
}  // namespace strata::engine

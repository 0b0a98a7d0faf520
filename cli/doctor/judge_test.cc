#include "cli/doctor/judge.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace strata::cli::doctor {
namespace {

constexpr int64_t kNow = 1'800'000'000;
constexpr int64_t kDay = 86400;
constexpr uint64_t kGibi = 1 << 30;

// A machine with nothing wrong.
Facts Good() {
  Facts facts;
  facts.settings = {.kind = Kind::kEngine, .path = "/etc/strata/engine.yaml", .error = ""};
  facts.clock = ClockFacts{.synchronised = true, .now_s = kNow};
  CertificateFacts held;
  held.files = {{.setting = "tls.key", .path = "/k.pem", .exists = true, .readable = true}};
  held.user = "www-data";
  held.owner = "engine north-1 of cdn/lan";
  held.role = "engine";
  held.not_before_s = kNow - kDay;
  held.not_after_s = kNow + 100 * kDay;
  held.authority_not_after_s = kNow + 1000 * kDay;
  held.has_revocations = true;
  facts.certificates = held;
  facts.ports = {{.setting = "clients", .endpoint = "192.0.2.1:80"}};
  facts.managers = {{.address = "sm-1:7400", .answers = true, .says = "answers this engine"}};
  MulticastFacts lan;
  lan.interface = "eth0";
  lan.exists = lan.up = true;
  lan.mtu = 1500;
  lan.families = {{.name = "IPv4", .wanted = true, .has_address = true, .own_heard = true},
                  {.name = "IPv6"}};
  lan.group = "239.255.83.1:7450";
  lan.group_sure = true;
  lan.heard = {{.address = "192.0.2.9", .packets = 30}};
  facts.multicast = lan;
  facts.folders = {{.setting = "cache",
                    .path = "/data/cache",
                    .user = "www-data",
                    .exists = true,
                    .writable = true,
                    .kind = "ext4",
                    .bytes = 100 * kGibi,
                    .bytes_free = 50 * kGibi,
                    .inodes = 1000,
                    .inodes_free = 900,
                    .bytes_wanted = 40 * kGibi}};
  facts.limits = LimitFacts{.whose = "strata-se (pid 8)",
                            .running = true,
                            .open_files = 100,
                            .open_files_max = 524288,
                            .threads = 0,
                            .receive_buffer_max = 8 << 20,
                            .send_buffer_max = 4 << 20,
                            .listen_backlog_max = 4096};
  facts.nginx = NginxFacts{.program = "/usr/sbin/nginx", .runs = true, .version = "1.22.1"};
  return facts;
}

// The findings that are not ok.
std::vector<Finding> Wrong(const Facts& facts) {
  std::vector<Finding> findings = Judge(facts);
  std::erase_if(findings, [](const Finding& finding) { return finding.level == Level::kOk; });
  for (const Finding& finding : findings) EXPECT_NE(finding.advice, "") << finding.found;
  return findings;
}

// That there is exactly one, of this kind.
void ExpectOne(const Facts& facts, Level level, const std::string& area, const std::string& part) {
  const std::vector<Finding> wrong = Wrong(facts);
  ASSERT_EQ(wrong.size(), 1u) << part;
  EXPECT_EQ(ToString(wrong[0].level), std::string(ToString(level))) << wrong[0].found;
  EXPECT_EQ(wrong[0].area, area);
  EXPECT_NE(wrong[0].found.find(part), std::string::npos) << wrong[0].found;
}

TEST(JudgeTest, FindsNothingWrongWithAGoodMachine) {
  EXPECT_TRUE(Wrong(Good()).empty());
  for (const char* area : {"settings", "clock", "certificates", "ports", "managers", "multicast",
                           "disk", "limits", "nginx"}) {
    const std::vector<Finding> all = Judge(Good());
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const Finding& finding) {
      return finding.area == area;
    })) << area;
  }
}

TEST(JudgeTest, ASettingsFileWithMistakesIsAFailure) {
  Facts facts;
  facts.settings.error = "engine.yaml:3:1: managers: is missing";
  ExpectOne(facts, Level::kFail, "settings", "managers: is missing");
}

TEST(JudgeTest, ClocksThatDifferAreTold) {
  Facts facts = Good();
  facts.managers[0].ahead_s = -1.2;
  facts.managers[0].unsure_s = 0.5;
  EXPECT_TRUE(Wrong(facts).empty());
  facts.managers[0].ahead_s = -1.6;
  ExpectOne(facts, Level::kWarn, "clock", "1.6 s behind that of manager sm-1:7400");
  facts.managers[0].ahead_s = 3600;
  ExpectOne(facts, Level::kFail, "clock", "60 min ahead of that of manager");
}

TEST(JudgeTest, AClockThatNobodyKeepsIsAWarning) {
  Facts facts = Good();
  facts.clock->synchronised = false;
  ExpectOne(facts, Level::kWarn, "clock", "nothing keeps this clock right");
  facts.clock->synchronised = std::nullopt;
  EXPECT_TRUE(Wrong(facts).empty());
  facts.certificates.reset();
  facts.clock->now_s = 3600;
  ExpectOne(facts, Level::kFail, "clock", "1970-01-01");
}

TEST(JudgeTest, CertificatesExpire) {
  Facts facts = Good();
  facts.certificates->not_after_s = kNow + 3 * kDay;
  ExpectOne(facts, Level::kWarn, "certificates", "expires in 3 d");
  facts.certificates->not_after_s = kNow - 3 * kDay;
  facts.certificates->problem = "certificate.pem: it has expired";
  ExpectOne(facts, Level::kFail, "certificates", "expired 3 d ago");
  facts = Good();
  facts.certificates->not_before_s = kNow + 3600;
  ExpectOne(facts, Level::kFail, "certificates", "is not valid for another 60 min");
  facts = Good();
  facts.certificates->authority_not_after_s = kNow - 1;
  ExpectOne(facts, Level::kFail, "certificates", "authority's own certificate has expired");
}

TEST(JudgeTest, FilesHaveToBeThereAndOpenToTheService) {
  Facts facts = Good();
  facts.certificates->files[0].readable = false;
  facts.certificates->files[0].problem = "Permission denied";
  facts.certificates->problem = "said less well";
  ExpectOne(facts, Level::kFail, "certificates", "cannot be read by www-data: Permission denied");
  facts.certificates->files[0].exists = false;
  ExpectOne(facts, Level::kFail, "certificates", "tls.key /k.pem is not there");
}

TEST(JudgeTest, WhatTheProcessWouldSayIsSaid) {
  Facts facts = Good();
  facts.certificates->problem = "key.pem: others than its owner may read it";
  ExpectOne(facts, Level::kFail, "certificates", "others than its owner may read it");
}

TEST(JudgeTest, TheRoleHasToFit) {
  Facts facts = Good();
  facts.certificates->role = "operator";
  ExpectOne(facts, Level::kFail, "certificates", "the certificate is that of engine north-1");
  facts.settings.kind = Kind::kCommand;
  EXPECT_TRUE(Wrong(facts).empty());
  facts.certificates->role = "viewer";
  EXPECT_TRUE(Wrong(facts).empty());
}

TEST(JudgeTest, WithoutRevocationsAStolenCertificateStaysGood) {
  Facts facts = Good();
  facts.certificates->has_revocations = false;
  ExpectOne(facts, Level::kWarn, "certificates", "no list of revoked certificates");
}

TEST(JudgeTest, PortsAreFreeOrOurs) {
  Facts facts = Good();
  PortFacts& port = facts.ports[0];
  port.state = PortFacts::State::kOurs;
  port.holder = "nginx (pid 9)";
  EXPECT_TRUE(Wrong(facts).empty());
  port.state = PortFacts::State::kTaken;
  ExpectOne(facts, Level::kFail, "ports", "clients 192.0.2.1:80 is taken by nginx (pid 9)");
  EXPECT_NE(Wrong(facts)[0].advice.find("systemctl disable --now nginx"), std::string::npos);
  port.state = PortFacts::State::kHeld;
  ExpectOne(facts, Level::kWarn, "ports", "held by a program of another user");
  port.state = PortFacts::State::kUnusable;
  port.problem = "Cannot assign requested address";
  ExpectOne(facts, Level::kFail, "ports", "Cannot assign requested address");
}

TEST(JudgeTest, AServiceThatIsNotWellSaysSo) {
  Facts facts = Good();
  facts.status = StatusFacts{.endpoint = "127.0.0.1:7402", .answers = false};
  EXPECT_TRUE(Wrong(facts).empty());
  facts.status->answers = true;
  facts.status->says = "no quorum";
  ExpectOne(facts, Level::kFail, "service", "no quorum");
}

TEST(JudgeTest, OneManagerOfSeveralMayBeAway) {
  Facts facts = Good();
  facts.managers.push_back({.address = "sm-2:7400", .problem = "nothing listens"});
  ExpectOne(facts, Level::kWarn, "managers", "sm-2:7400: nothing listens");
  facts.managers.erase(facts.managers.begin());
  ExpectOne(facts, Level::kFail, "managers", "sm-2:7400: nothing listens");
  facts.managers[0].refused = true;
  ExpectOne(facts, Level::kFail, "managers", "nothing listens");
}

TEST(JudgeTest, TheInterfaceHasToWork) {
  Facts facts = Good();
  MulticastFacts& lan = *facts.multicast;
  lan.own_address = "192.0.2.7";
  lan.own_address_there = false;
  ExpectOne(facts, Level::kFail, "multicast", "192.0.2.7 is no address of eth0");
  lan.own_address_there = true;
  lan.mtu = 576;
  ExpectOne(facts, Level::kFail, "multicast", "MTU of 576");
  lan.mtu = 1500;
  lan.mute_bridge = "br0";
  ExpectOne(facts, Level::kWarn, "multicast", "the bridge br0");
  lan.up = false;
  ExpectOne(facts, Level::kFail, "multicast", "eth0 is down");
  lan.exists = false;
  lan.problem = "there is no interface eth0";
  ExpectOne(facts, Level::kFail, "multicast", "there is no interface eth0");
}

TEST(JudgeTest, TheFamilyOfTheGroupHasToWork) {
  Facts facts = Good();
  MulticastFacts::Family& family = facts.multicast->families[0];
  family.own_heard = false;
  ExpectOne(facts, Level::kFail, "multicast", "did not come back");
  family.wanted = false;
  ExpectOne(facts, Level::kWarn, "multicast", "did not come back");
  family.has_address = false;
  EXPECT_TRUE(Wrong(facts).empty());
  family.wanted = true;
  ExpectOne(facts, Level::kFail, "multicast", "eth0 has no IPv4 address");
}

TEST(JudgeTest, SilenceInTheGroupIsAWarning) {
  Facts facts = Good();
  facts.multicast->heard.clear();
  ExpectOne(facts, Level::kWarn, "multicast", "nobody was heard");
  facts.multicast->group_sure = false;
  EXPECT_TRUE(Wrong(facts).empty());
  facts = Good();
  facts.multicast->probed = {"member 3 does not get multicast"};
  ExpectOne(facts, Level::kWarn, "multicast", "member 3 does not get multicast");
}

TEST(JudgeTest, FoldersHaveToTakeWhatComes) {
  Facts facts = Good();
  FolderFacts& folder = facts.folders[0];
  folder.writable = false;
  folder.problem = "Permission denied";
  ExpectOne(facts, Level::kFail, "disk", "www-data cannot write to cache /data/cache");
  folder.read_only = true;
  ExpectOne(facts, Level::kFail, "disk", "read-only");
  folder.read_only = folder.exists = false;
  ExpectOne(facts, Level::kFail, "disk", "www-data cannot make it: Permission denied");
  folder.writable = true;
  ExpectOne(facts, Level::kWarn, "disk", "is not there yet");
}

TEST(JudgeTest, DisksHaveToHaveRoom) {
  Facts facts = Good();
  FolderFacts& folder = facts.folders[0];
  folder.bytes_wanted = 200 * kGibi;
  ExpectOne(facts, Level::kFail, "disk", "may grow to 200 GiB, and its disk has 100 GiB");
  folder.bytes_wanted = 60 * kGibi;
  ExpectOne(facts, Level::kWarn, "disk", "there is room for 50 GiB");
  folder.bytes_kept = 10 * kGibi;
  EXPECT_TRUE(Wrong(facts).empty());
  folder.bytes_wanted = 0;
  folder.bytes_free = 4 * kGibi;
  ExpectOne(facts, Level::kWarn, "disk", "nearly full: 4.0 GiB of 100 GiB free");
  folder.bytes_free = 1 << 20;
  ExpectOne(facts, Level::kFail, "disk", "is full");
  folder.bytes_free = 50 * kGibi;
  folder.inodes_free = 3;
  ExpectOne(facts, Level::kWarn, "disk", "only 3 more files");
  folder.inodes = 0;
  EXPECT_TRUE(Wrong(facts).empty());
}

TEST(JudgeTest, DataBelongsOnALocalDisk) {
  Facts facts = Good();
  facts.folders[0].kind = "nfs";
  ExpectOne(facts, Level::kWarn, "disk", "across a network");
  facts.folders[0].kind = "tmpfs";
  EXPECT_TRUE(Wrong(facts).empty());
  facts.folders[0].setting = "data_folder";
  ExpectOne(facts, Level::kWarn, "disk", "tmpfs");
}

TEST(JudgeTest, LimitsHaveToBeHighEnough) {
  Facts facts = Good();
  LimitFacts& limits = *facts.limits;
  limits.open_files_max = 4096;
  ExpectOne(facts, Level::kWarn, "limits", "may open 4,096 files");
  limits.open_files_max = 1024;
  ExpectOne(facts, Level::kFail, "limits", "may open 1,024 files");
  limits.open_files_max = 524288;
  limits.open_files = 500'000;
  ExpectOne(facts, Level::kFail, "limits", "and has 500,000");
  limits.open_files = 1;
  limits.threads = 100;
  ExpectOne(facts, Level::kWarn, "limits", "may have 100 threads");
  limits.threads = 0;
  limits.receive_buffer_max = 212992;
  ExpectOne(facts, Level::kWarn, "limits", "208 KiB in");
  limits.may_force_buffers = true;
  EXPECT_TRUE(Wrong(facts).empty());
  limits.listen_backlog_max = 128;
  ExpectOne(facts, Level::kWarn, "limits", "128 connections");
}

TEST(JudgeTest, NginxHasToBeThere) {
  Facts facts = Good();
  facts.nginx->missing_modules = {"http_stub_status_module"};
  ExpectOne(facts, Level::kFail, "nginx", "without http_stub_status_module");
  facts.nginx->runs = false;
  facts.nginx->problem = "there is no program /usr/sbin/nginx";
  ExpectOne(facts, Level::kFail, "nginx", "there is no program");
}

}  // namespace
}  // namespace strata::cli::doctor

#include "cli/topology/verbs.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <sstream>
#include <string>

#include "cli/pki/authority_folder.h"
#include "cli/terminal.h"
#include "common/file.h"
#include "common/settings/settings.h"
#include "common/tls/test_authority.h"
#include "common/tls/tls_files.h"
#include "common/wall_clock.h"
#include "gtest/gtest.h"
#include "proto/cli_settings.pb.h"
#include "proto/service_engine_settings.pb.h"
#include "proto/service_manager_settings.pb.h"
#include "proto/witness_settings.pb.h"

namespace strata::cli {
namespace {

namespace fs = std::filesystem;

// Folders of tests are too deep for the sockets of engines.
constexpr const char* kTopology = R"(
data_folder: /d
hosts: {here: {addresses: [127.0.84.1], interface: lo, own: address}}
ports: {http: 8080, peers: 8081}
multicast: {detection_timeout: 2s}
http: {threads: 1}
nginx: {workers: 1, cache_size: 64MiB}
policies:
  peering: {rules: [{site: films, forward: none}, {forward: scope}]}
scopes:
  exchange: {level: 4, sites: [films.yaml], children: {delegate: true, regions: regions.txt}}
  cdn-one: {policy: peering}
  cdn-one/lan-a:
    managers: [{count: 2}]
    witness: {}
    engines: [{name: north, count: 2}, {name: south, count: 3},
              {name: big, light: true, nginx: {cache_size: 1GiB}}]
)";

class TopologyVerbsTest : public testing::Test {
 protected:
  TopologyVerbsTest() {
    folder_ = testing::TempDir() + "/render-XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    folder_ = fs::path(folder_).lexically_normal().string();
    Write("films.yaml", "name: films\nhosts: [films.example]\n");
    Write("regions.txt", "192.0.2.0/24 south\n");
    Write("t.yaml", kTopology);
  }

  void Write(const std::string& name, const std::string& text) {
    tls::WriteTestFile(folder_ + "/" + name, text, 0644);
  }
  std::string Read(const std::string& name) const {
    const auto text = ReadFile(folder_ + "/out/" + name, 1 << 20);
    return text.ok() ? *text : MessageOf(text.status());
  }

  ExitCode Check() {
    return Run(
        [](Terminal& terminal, const std::string& file) { return CheckTopology(terminal, file); });
  }
  ExitCode Render(bool force = false, bool founded = false) {
    return Run([&](Terminal& terminal, const std::string& file) {
      return RenderTopology(
          terminal,
          {.file = file, .folder = folder_ + "/out/", .force = force, .founded = founded});
    });
  }

  template <class Verb>
  ExitCode Run(Verb verb) {
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{.out = out, .err = err};
    terminal.json = json_;
    const ExitCode code = verb(terminal, folder_ + "/t.yaml");
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  bool Says(const std::string& part) const { return out_.find(part) != std::string::npos; }
  bool Complains(const std::string& part) const { return err_.find(part) != std::string::npos; }

  template <class Settings>
  Settings Load(const std::string& file) {
    Settings settings;
    const Status status = LoadSettingsFile(folder_ + "/out/" + file, &settings);
    EXPECT_TRUE(status.ok()) << MessageOf(status);
    return settings;
  }

  // Whose certificate a process has, if all its files are good.
  std::string Owner(const strata::settings::v1::TlsSettings& files) {
    const auto material = tls::LoadTlsMaterial(
        {files.authority(), files.certificate(), files.key(), files.revoked()}, WallClockSeconds());
    return material.ok() ? IdentityUri(material->own) : MessageOf(material.status());
  }

  std::string folder_;
  bool json_ = false;
  std::string out_;
  std::string err_;
};

using EngineSettings = engine::settings::v1::ServiceEngineSettings;
using ManagerSettings = manager::settings::v1::ServiceManagerSettings;
using WitnessSettings = manager::settings::v1::WitnessSettings;

TEST_F(TopologyVerbsTest, CheckShowsTheScopes) {
  EXPECT_EQ(Check(), ExitCode::kOk) << err_;
  EXPECT_EQ(err_, "");
  EXPECT_TRUE(
      Says("cdn-one/lan-a      1  cdn-one   sm-1 sm-2  w-1      north-1 north-2 south-1..3 big"))
      << out_;
  EXPECT_TRUE(Says("t.yaml is good: 3 scopes, 11 processes on 1 machine.")) << out_;
}

TEST_F(TopologyVerbsTest, CheckTellsFaultsAndFails) {
  Write("t.yaml",
        "hosts: {h: {addresses: [10.0.0.1]}, g: {addresses: [10.0.0.2]}}\n"
        "scopes: {a: {policy: x, level: 3, host: h}}\n");
  EXPECT_EQ(Check(), ExitCode::kFailed);
  EXPECT_TRUE(Complains("fault    a: policy x is not there\n")) << err_;
  EXPECT_TRUE(Complains("fault    a: has a policy, and no parent")) << err_;
  EXPECT_TRUE(Complains("warning  host g: nobody is on it")) << err_;
  EXPECT_TRUE(Complains("t.yaml: 2 faults\n")) << err_;
  EXPECT_EQ(Render(), ExitCode::kFailed);
  EXPECT_FALSE(fs::exists(folder_ + "/out"));
  json_ = true;
  EXPECT_EQ(Check(), ExitCode::kFailed);
  EXPECT_TRUE(Says("{\"level\":\"fault\",\"found\":\"a: policy x is not there\"}\n")) << out_;
  Write("t.yaml", "hosts: 5\n");
  EXPECT_EQ(Check(), ExitCode::kFailed);
  EXPECT_TRUE(Complains("t.yaml:1:8: hosts: found \"5\"")) << err_;
}

TEST_F(TopologyVerbsTest, AManagerIsToldItsPlaceInTheTree) {
  ASSERT_EQ(Render(), ExitCode::kOk) << err_;
  const auto top = Load<ManagerSettings>("processes/exchange_sm-1/settings.yaml");
  EXPECT_EQ(top.level(), 4u);
  EXPECT_EQ(top.parent().managers_size(), 0);
  EXPECT_TRUE(top.children().delegate());
  EXPECT_EQ(top.children().regions(), folder_ + "/out/processes/exchange_sm-1/regions.txt");
  EXPECT_EQ(Read("processes/exchange_sm-1/regions.txt"), "192.0.2.0/24 south\n");
  EXPECT_EQ(Owner(top.tls()), "strata://exchange/manager/sm-1");

  const auto cdn = Load<ManagerSettings>("processes/cdn-one_sm-1/settings.yaml");
  EXPECT_EQ(cdn.level(), 3u);
  ASSERT_EQ(cdn.parent().managers_size(), 1);
  EXPECT_EQ(cdn.parent().managers(0), top.rpc_listen());
  ASSERT_EQ(cdn.forwarding().rules_size(), 2);
  EXPECT_EQ(cdn.forwarding().rules(0).site(), "films");
  EXPECT_EQ(cdn.forwarding().rules(1).forward(), "scope");
  EXPECT_NE(cdn.group().address(), top.group().address());
  EXPECT_NE(cdn.group().port(), top.group().port());
  EXPECT_EQ(cdn.group().detection_timeout(), 2'000'000'000);
  EXPECT_EQ(cdn.http().listen(0), "127.0.84.2:8080");
  EXPECT_EQ(cdn.http().threads(), 1u);
  EXPECT_FALSE(cdn.lan().loopback()) << "it is alone";
}

TEST_F(TopologyVerbsTest, AFarmKnowsItsManagers) {
  ASSERT_EQ(Render(), ExitCode::kOk) << err_;
  const auto first = Load<ManagerSettings>("processes/cdn-one_lan-a_sm-1/settings.yaml");
  const auto second = Load<ManagerSettings>("processes/cdn-one_lan-a_sm-2/settings.yaml");
  EXPECT_EQ(first.backup_of_size(), 0) << "it founds the farm";
  ASSERT_EQ(second.backup_of_size(), 1);
  EXPECT_EQ(second.backup_of(0), first.rpc_listen());
  EXPECT_TRUE(first.lan().loopback());

  const auto engine = Load<EngineSettings>("processes/cdn-one_lan-a_north-2/settings.yaml");
  ASSERT_EQ(engine.managers_size(), 2);
  EXPECT_EQ(engine.managers(1), second.rpc_listen());
  EXPECT_EQ(engine.nginx().cache_size(), 64u << 20);
  EXPECT_EQ(engine.clients(0), "127.0.84.7:8080");
  EXPECT_EQ(engine.peers(0), "127.0.84.7:8081");
  EXPECT_EQ(engine.data_folder(), "/d/cdn-one_lan-a_north-2");
  EXPECT_EQ(Owner(engine.tls()), "strata://cdn-one/lan-a/engine/north-2");
  const auto big = Load<EngineSettings>("processes/cdn-one_lan-a_big/settings.yaml");
  EXPECT_EQ(big.nginx().cache_size(), 1u << 30);
  EXPECT_TRUE(big.light());

  const auto witness = Load<WitnessSettings>("processes/cdn-one_lan-a_w-1/settings.yaml");
  EXPECT_EQ(witness.managers_size(), 2);
  EXPECT_EQ(Owner(witness.tls()), "strata://cdn-one/lan-a/witness/w-1");
  EXPECT_TRUE(Read("start_order.txt").find("strata-sm --witness --config ") != std::string::npos);
}

TEST_F(TopologyVerbsTest, WhoFoundedJoinsTheOthersOnceTheyStand) {
  ASSERT_EQ(Render(), ExitCode::kOk) << err_;
  EXPECT_EQ(Render(false, true), ExitCode::kFailed);
  EXPECT_TRUE(Complains("1 file is not as the topology has it")) << err_;
  ASSERT_EQ(Render(true, true), ExitCode::kOk) << err_;
  const auto first = Load<ManagerSettings>("processes/cdn-one_lan-a_sm-1/settings.yaml");
  ASSERT_EQ(first.backup_of_size(), 1);
  const auto alone = Load<ManagerSettings>("processes/cdn-one_sm-1/settings.yaml");
  EXPECT_EQ(alone.backup_of_size(), 0);
}

TEST_F(TopologyVerbsTest, TheCommandHasACertificateForEachNetwork) {
  ASSERT_EQ(Render(), ExitCode::kOk) << err_;
  const auto settings = Load<v1::CliSettings>("cli/cdn-one_lan-a.yaml");
  ASSERT_EQ(settings.managers_size(), 2);
  EXPECT_EQ(settings.certificate(), "../operators/cdn-one/certificate.pem");
  strata::settings::v1::TlsSettings files;
  const std::string folder = folder_ + "/out/cli/";
  files.set_authority(folder + settings.ca());
  files.set_certificate(folder + settings.certificate());
  files.set_key(folder + settings.key());
  files.set_revoked(folder + settings.revocations());
  EXPECT_EQ(Owner(files), "strata://cdn-one/operator/operator");
  EXPECT_TRUE(fs::exists(folder_ + "/out/operators/exchange/certificate.pem"));
  EXPECT_FALSE(fs::exists(folder_ + "/out/operators/cdn-one_lan-a"));
}

TEST_F(TopologyVerbsTest, TellsWhatItMadeAndWhatFollows) {
  ASSERT_EQ(Render(), ExitCode::kOk);
  EXPECT_EQ(err_, "");
  EXPECT_TRUE(Says("cdn-one/lan-a/north-1  engine   here")) << out_;
  EXPECT_TRUE(Says("3 scopes, 11 processes on 1 machine, in " + folder_ +
                   "/out: 17 files written, "
                   "0 as they were; 13 certificates issued, 0 good still.\n"))
      << out_;
  EXPECT_TRUE(Says("  strata --config " + folder_ + "/out/cli/exchange.yaml site apply -f " +
                   folder_ + "/films.yaml\n"))
      << out_;
}

TEST_F(TopologyVerbsTest, ASecondTimeChangesNothing) {
  ASSERT_EQ(Render(), ExitCode::kOk);
  const std::string certificate = Read("processes/exchange_sm-1/certificate.pem");
  ASSERT_EQ(Render(), ExitCode::kOk);
  EXPECT_TRUE(Says("0 files written, 17 as they were; 0 certificates issued, 13 good still."))
      << out_;
  EXPECT_EQ(Read("processes/exchange_sm-1/certificate.pem"), certificate);
}

TEST_F(TopologyVerbsTest, WhatDiffersIsReplacedByForceOnly) {
  ASSERT_EQ(Render(), ExitCode::kOk);
  const std::string file = "processes/cdn-one_sm-1/settings.yaml";
  const std::string before = Read(file);
  Write("out/" + file, before + "# by hand\n");
  EXPECT_EQ(Render(), ExitCode::kFailed);
  EXPECT_TRUE(Complains("--force replaces what is there:\n  " + folder_ + "/out/" + file)) << err_;
  EXPECT_EQ(Read(file), before + "# by hand\n");
  EXPECT_EQ(Render(true), ExitCode::kOk);
  EXPECT_EQ(Read(file), before);
  EXPECT_TRUE(Says("1 file written, 16 as they were")) << out_;
}

TEST_F(TopologyVerbsTest, CertificatesThatAreGoodNoLongerAreMadeAnew) {
  ASSERT_EQ(Render(), ExitCode::kOk);
  {
    const auto authority = *AuthorityFolder::Open(folder_ + "/out/pki");
    ASSERT_TRUE(authority->Revoke("strata://cdn-one/manager/sm-1", WallClockSeconds()).ok());
  }
  fs::remove(folder_ + "/out/processes/exchange_sm-1/key.pem");
  Write("out/processes/cdn-one_lan-a_w-1/certificate.pem",
        Read("processes/cdn-one_lan-a_big/certificate.pem"));
  ASSERT_EQ(Render(), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("3 certificates issued, 10 good still.")) << out_;
  for (const char* process : {"cdn-one_sm-1", "exchange_sm-1"}) {
    const auto settings =
        Load<ManagerSettings>("processes/" + std::string(process) + "/settings.yaml");
    EXPECT_TRUE(Owner(settings.tls()).starts_with("strata://")) << Owner(settings.tls());
    EXPECT_EQ(Read("processes/" + std::string(process) + "/crl.pem"), Read("pki/crl.pem"));
  }
}

TEST_F(TopologyVerbsTest, ATopologyMayGrow) {
  ASSERT_EQ(Render(), ExitCode::kOk);
  Write("t.yaml", std::string(kTopology) +
                      "  cdn-two: {managers: [{addresses: [127.0.84.50]}]}\n"
                      "  cdn-two/lan-b: {managers: [{addresses: [127.0.84.51]}],\n"
                      "    engines: [{addresses: [127.0.84.52]}]}\n");
  ASSERT_EQ(Render(), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("4 certificates issued, 13 good still.")) << out_;
  Write("t.yaml", kTopology);
  ASSERT_EQ(Render(), ExitCode::kOk) << err_;
  EXPECT_TRUE(Complains("out/processes/cdn-two_sm-1 is of no process of this topology")) << err_;
}

TEST_F(TopologyVerbsTest, FilesAreNamedAsTheyWillBeOnTheirMachines) {
  Write("t.yaml", "folder: /etc/strata\n" + std::string(kTopology));
  ASSERT_EQ(Render(), ExitCode::kOk) << err_;
  const auto settings = Load<ManagerSettings>("processes/cdn-one_sm-1/settings.yaml");
  EXPECT_EQ(settings.data_folder(), "/d/cdn-one_sm-1");
  EXPECT_EQ(settings.tls().key(), "/etc/strata/processes/cdn-one_sm-1/key.pem");
  EXPECT_NE(Read("start_order.txt")
                .find("here: strata-sm --config /etc/strata/processes/cdn-one_sm-1/settings.yaml"),
            std::string::npos);
}

TEST_F(TopologyVerbsTest, AFolderIsNotTooDeepForSockets) {
  std::string text = kTopology;
  text.replace(text.find("/d\n"), 2, "/" + std::string(80, 'x'));
  Write("t.yaml", text);
  EXPECT_EQ(Render(), ExitCode::kFailed);
  EXPECT_TRUE(Complains("is too long for a socket in it")) << err_;
}

TEST_F(TopologyVerbsTest, KeysAreForTheirOwnersOnly) {
  ASSERT_EQ(Render(), ExitCode::kOk);
  struct stat about {};
  for (const char* key : {"/out/pki/ca.key", "/out/processes/cdn-one_lan-a_big/key.pem",
                          "/out/operators/cdn-one/key.pem"}) {
    ASSERT_EQ(stat((folder_ + key).c_str(), &about), 0) << key;
    EXPECT_EQ(about.st_mode & 0777, 0600u) << key;
  }
}

}  // namespace
}  // namespace strata::cli

#include "cli/doctor/doctor.h"

#include <pwd.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>

#include "cli/fake_manager.h"
#include "common/sockaddr.h"
#include "common/tls/test_authority.h"
#include "common/unique_fd.h"
#include "common/wall_clock.h"
#include "gtest/gtest.h"
#include "multicast/driver/private_network.h"

// Mistakes that are made for real, on a machine of one's own as far as the network goes.

namespace strata::cli::doctor {
namespace {

std::string NewFolder() {
  std::string path = testing::TempDir() + "/doctor-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

class DoctorTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { private_network_ = multicast::EnterPrivateNetwork(); }

  void SetUp() override {
    if (!private_network_) GTEST_SKIP() << "network namespaces are not allowed here";
    authority_ = std::make_unique<tls::TestAuthority>(folder_);
    engine_ = authority_->Issue("strata://cdn-one/lan-a/engine/north-1");
    std::filesystem::create_directory(folder_ + "/data");
  }

  static std::string Tls(const tls::TlsPaths& paths) {
    return "tls: {authority: " + paths.authority + ", certificate: " + paths.certificate +
           ", key: " + paths.key + ", revoked: " + paths.revocations + "}\n";
  }

  // Settings of an engine, with what a test wants otherwise.
  struct Options {
    std::string interface = "lo";
    std::string clients = "127.0.0.1:18080";
    std::string manager = "127.0.0.1:1";
  };
  std::string WriteEngine(const Options& options) const {
    const std::string path = folder_ + "/engine.yaml";
    tls::WriteTestFile(path,
                       "data_folder: " + folder_ + "/data\n" + Tls(engine_) + "lan: {interface: " +
                           options.interface + ", loopback: true}\nmanagers: [\"" +
                           options.manager + "\"]\nclients: [\"" + options.clients +
                           "\"]\npeers: [\"127.0.0.1:18081\"]\nnginx: {cache_size: 1MiB}\n",
                       0644);
    return path;
  }

  // The finding of an area with this text; a failure of the test if there is none.
  Finding Find(const std::string& path, const std::string& area, const std::string& part) {
    const StatusOr<Report> report = Examine(path);
    if (!report.ok()) {
      ADD_FAILURE() << MessageOf(report.status());
      return {};
    }
    std::string all;
    for (const Finding& finding : report->findings) {
      if (finding.area == area && finding.found.find(part) != std::string::npos) return finding;
      all +=
          std::string(ToString(finding.level)) + " " + finding.area + ": " + finding.found + "\n";
    }
    ADD_FAILURE() << "nothing of " << area << " has \"" << part << "\":\n" << all;
    return {};
  }
  void Expect(const std::string& path, Level level, const std::string& area,
              const std::string& part) {
    const Finding finding = Find(path, area, part);
    EXPECT_EQ(std::string(ToString(finding.level)), ToString(level)) << finding.found;
    EXPECT_EQ(finding.advice.empty(), level == Level::kOk) << finding.found;
  }

  static bool private_network_;
  const std::string folder_ = NewFolder();
  std::unique_ptr<tls::TestAuthority> authority_;
  tls::TlsPaths engine_;
};

bool DoctorTest::private_network_ = false;

TEST_F(DoctorTest, WhatIsWellIsSaidToBe) {
  const int64_t now = WallClockSeconds();
  engine_ = authority_->Issue("strata://cdn-one/lan-a/engine/north-1",
                              {.from_s = now - 60, .to_s = now + 90 * 86400});
  const std::string path = WriteEngine({});
  Expect(path, Level::kOk, "certificates", "engine north-1 of cdn-one/lan-a");
  Expect(path, Level::kOk, "ports", "clients 127.0.0.1:18080 is free");
  Expect(path, Level::kOk, "multicast", "IPv4 multicast works on lo");
  Expect(path, Level::kOk, "multicast", "IPv6 multicast works on lo");
}

TEST_F(DoctorTest, AnExpiredCertificateIsNamed) {
  const int64_t now = WallClockSeconds();
  engine_ = authority_->Issue("strata://cdn-one/lan-a/engine/north-1",
                              {.from_s = now - 10 * 86400, .to_s = now - 5 * 86400});
  Expect(WriteEngine({}), Level::kFail, "certificates", "expired 5 d ago");
}

TEST_F(DoctorTest, AnotherRoleIsNamed) {
  engine_ = authority_->Issue("strata://cdn-one/lan-a/operator/ann");
  Expect(WriteEngine({}), Level::kFail, "certificates", "that of operator ann");
}

TEST_F(DoctorTest, AKeyForEverybodyIsNamed) {
  chmod(engine_.key.c_str(), 0644);
  Expect(WriteEngine({}), Level::kFail, "certificates", engine_.key);
}

TEST_F(DoctorTest, ATakenPortIsNamedWithItsHolder) {
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  SocketAddress address = ToSocketAddress(*Endpoint::Parse("127.0.0.1:0"));
  ASSERT_EQ(bind(fd.get(), address.get(), address.size), 0);
  ASSERT_EQ(listen(fd.get(), 1), 0);
  ASSERT_EQ(getsockname(fd.get(), address.get(), &address.size), 0);
  const std::string path = WriteEngine({.clients = ToString(*ToEndpoint(address))});
  Expect(path, Level::kFail, "ports", "(pid " + std::to_string(getpid()) + ")");
  Expect(WriteEngine({.clients = "192.0.2.77:80"}), Level::kFail, "ports",
         "cannot listen at clients 192.0.2.77:80");
}

TEST_F(DoctorTest, AnInterfaceThatIsDownOrNotThereIsNamed) {
  ASSERT_TRUE(multicast::SetLoopbackUp(false));
  Expect(WriteEngine({}), Level::kFail, "multicast", "interface lo is down");
  ASSERT_TRUE(multicast::SetLoopbackUp(true));
  Expect(WriteEngine({.interface = "eth9"}), Level::kFail, "multicast",
         "there is no interface eth9");
}

TEST_F(DoctorTest, AFolderThatCannotBeWrittenToIsNamed) {
  const passwd* nobody = getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  ASSERT_EQ(chown((folder_ + "/data").c_str(), nobody->pw_uid, nobody->pw_gid), 0);
  ASSERT_EQ(chmod((folder_ + "/data").c_str(), 0555), 0);
  Expect(WriteEngine({}), Level::kFail, "disk", "nobody cannot write to data_folder");
}

TEST_F(DoctorTest, AManagerThatIsAwayIsNamed) {
  Expect(WriteEngine({}), Level::kFail, "managers", "nothing listens at 127.0.0.1:1");
}

TEST_F(DoctorTest, ALowLimitOfFilesIsNamed) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{.rlim_cur = 512, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  Expect(WriteEngine({}), Level::kFail, "limits", "may open 512 files");
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(DoctorTest, NginxIsAskedForItsVersion) {
  const std::string path = WriteEngine({});
  Expect(path, Level::kOk, "nginx", "/usr/sbin/nginx is 1.");
}

// ---- The command's own settings.

class CommandDoctorTest : public DoctorTest {
 protected:
  void SetUp() override {
    DoctorTest::SetUp();
    if (IsSkipped()) return;
    manager_ =
        std::make_unique<FakeManager>(authority_->Issue("strata://cdn-one/lan-a/manager/sm-1"));
    operator_ = authority_->Issue("strata://cdn-one/lan-a/operator/ann");
    path_ = folder_ + "/cli.yaml";
    tls::WriteTestFile(path_,
                       "manager: \"" + manager_->address() +
                           "\"\nca: ca.pem\ncertificate: " + operator_.certificate +
                           "\nkey: " + operator_.key + "\nrevocations: crl.pem\n",
                       0644);
  }

  std::unique_ptr<FakeManager> manager_;
  tls::TlsPaths operator_;
  std::string path_;
};

TEST_F(CommandDoctorTest, AManagerThatAnswersIsNamed) {
  Expect(path_, Level::kOk, "managers", "is sm-1 of cdn-one/lan-a, with 3 engines");
  Expect(path_, Level::kOk, "clock", "that of manager " + manager_->address());
}

TEST_F(CommandDoctorTest, AManagersClockThatDiffersIsNamed) {
  manager_->SetClockAhead(5000);
  Expect(path_, Level::kWarn, "clock", "5.0 s behind that of manager");
  manager_->SetClockAhead(-3'600'000);
  Expect(path_, Level::kFail, "clock", "60 min ahead of that of manager");
}

TEST_F(CommandDoctorTest, ARevokedCertificateIsNamed) {
  authority_->Revoke(operator_);
  Expect(path_, Level::kFail, "certificates", "revoked");
}

TEST_F(CommandDoctorTest, AnotherAuthorityIsNamed) {
  const tls::TestAuthority theirs(NewFolder());
  tls::WriteTestFile(folder_ + "/ca.pem", theirs.pem().certificate_pem, 0644);
  Expect(path_, Level::kFail, "certificates", operator_.certificate);
}

TEST_F(CommandDoctorTest, PrintsForPeopleAndForPrograms) {
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{.out = out, .err = err};
  EXPECT_EQ(RunDoctor(terminal, {path_}), ExitCode::kOk) << out.str() << err.str();
  EXPECT_EQ(out.str().find(path_ + ", settings of the command strata\nok    settings      "), 0u)
      << out.str();
  manager_.reset();
  out.str("");
  EXPECT_EQ(RunDoctor(terminal, {path_}), ExitCode::kFailed);
  EXPECT_NE(out.str().find("\nfail  managers      "), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("\n                    -> "), std::string::npos);
  EXPECT_NE(out.str().find("1 failure, "), std::string::npos);
  out.str("");
  terminal.json = true;
  EXPECT_EQ(RunDoctor(terminal, {path_}), ExitCode::kFailed);
  EXPECT_EQ(out.str().find("{\"settings\":\""), 0u) << out.str();
  EXPECT_NE(out.str().find("\"level\":\"fail\""), std::string::npos) << out.str();
  EXPECT_EQ(RunDoctor(terminal, {"/nowhere.yaml"}), ExitCode::kUsage);
}

TEST_F(CommandDoctorTest, MistakesInTheFileAreTold) {
  tls::WriteTestFile(path_, "ca: ca.pem\nmanger: x\n", 0644);
  Expect(path_, Level::kFail, "settings", "cli.yaml:2:1: manger:");
}

}  // namespace
}  // namespace strata::cli::doctor

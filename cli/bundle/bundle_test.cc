#include "cli/bundle/bundle.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "cli/bundle/collection.h"
#include "cli/command_output.h"
#include "cli/fake_manager.h"
#include "common/metrics.h"
#include "common/process/status_server.h"
#include "common/tls/issue.h"
#include "common/tls/test_authority.h"
#include "gtest/gtest.h"

namespace strata::cli::bundle {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLong(30);
constexpr const char* kPassphrase = "correct-horse-battery";

std::string NewFolder() {
  std::string path = testing::TempDir() + "/bundle-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

class BundleTest : public testing::Test {
 protected:
  BundleTest()
      : folder_(NewFolder()),
        authority_(folder_),
        manager_(authority_.Issue("strata://cdn-one/lan-a/manager/sm-1")),
        operator_(authority_.Issue("strata://cdn-one/lan-a/operator/ann")),
        key_(tls::MakeAuthority("planted", {.from_s = 0, .to_s = 2'000'000'000})->key_pem) {
    // The process whose /healthz has a secret, too.
    metrics_.AddCounter({.name = "strata_test_total", .help = "A test."}).Add();
    status_ = *StatusServer::Start({.ip = IpAddress::V4(127, 0, 0, 1), .port = 0}, metrics_, [] {
      return HealthReport(Unavailable("origin http://ann:%s@origin.example", kPassphrase));
    });
    fs::create_directories(folder_ + "/data/nginx");
    fs::create_directories(folder_ + "/data/log");
    std::ofstream(folder_ + "/data/nginx/nginx.conf")
        << "proxy_set_header Authorization \"Basic " << kPassphrase << "\";\n# " << key_;
    std::ofstream(folder_ + "/data/log/error.log")
        << "[error] cannot read \"" << key_ << "\"\npassword=" << kPassphrase << "\nan error\n";
    WriteEngine();
    tls::WriteTestFile(folder_ + "/cli.yaml",
                       "manager: \"" + manager_.address() + "\"\nca: ca.pem\ncertificate: " +
                           operator_.certificate + "\nkey: " + operator_.key +
                           "\nrevocations: crl.pem\n# passphrase: " + kPassphrase + "\n",
                       0644);
  }

  void WriteEngine() {
    std::ofstream file(folder_ + "/engine.yaml");
    file << "data_folder: " << folder_ << "/data\ntls: {authority: " << operator_.authority
         << ", certificate: " << operator_.certificate << ", key: " << operator_.key
         << "}\nlan: {interface: lo}\nmanagers: [\"" << manager_.address()
         << "\"]\nclients: [\"127.0.0.1:18080\"]\npeers: [\"127.0.0.1:18081\"]\nstatus_listen: \""
         << ToString(status_->endpoint()) << "\"\nnginx: {cache_size: 1MiB}\n";
    std::istringstream lines(key_);
    for (std::string line; std::getline(lines, line);) file << "# " << line << "\n";
  }

  ExitCode Make(const std::string& out) {
    Terminal terminal{.out = out_, .err = err_};
    return MakeBundle(
        terminal, {.out = out,
                   .settings = {folder_ + "/engine.yaml", folder_ + "/cli.yaml"},
                   .open_manager = [this] {
                     return ManagerClient::Open(
                         {.managers = {manager_.address()}, .paths = operator_, .timeout = kLong});
                   }});
  }

  // What is in it: names, and all contents.
  static std::string Unpacked(const std::string& file, const std::string& how) {
    const auto output = RunCommand({"tar", how, file}, 64 << 20, kLong);
    EXPECT_TRUE(output.ok() && output->status == 0 && !output->shortened)
        << (output.ok() ? output->text : MessageOf(output.status()));
    return output.ok() ? output->text : "";
  }

  const std::string folder_;
  tls::TestAuthority authority_;
  FakeManager manager_;
  const tls::TlsPaths operator_;
  const std::string key_;
  MetricRegistry metrics_;
  std::unique_ptr<StatusServer> status_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(BundleTest, HasWhatAReportNeeds) {
  const std::string file = folder_ + "/bundle.tar.gz";
  ASSERT_EQ(Make(file), ExitCode::kOk) << err_.str();
  EXPECT_NE(out_.str().find(file), std::string::npos);
  const std::string names = Unpacked(file, "-tzf");
  for (const std::string name :
       {"index.txt", "versions/strata.txt", "system/limits.txt", "settings/engine.yaml",
        "settings/cli.yaml", "status/engine-metrics.txt", "status/engine-healthz.txt",
        "nginx/nginx.conf", "logs/nginx-error.txt", "doctor/engine.txt", "doctor/cli.txt",
        "farm/show.json", "farm/managers.json", "farm/verify.json", "farm/events.json"}) {
    EXPECT_NE(names.find("/" + name + "\n"), std::string::npos) << name << " in\n" << names;
  }
  const std::string all = Unpacked(file, "-xzOf");
  EXPECT_NE(all.find("strata_test_total 1"), std::string::npos);
  EXPECT_NE(all.find("an error"), std::string::npos);
  EXPECT_NE(all.find("disk sdb: 12 errors"), std::string::npos);
  struct stat info {};
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(BundleTest, HasNoSecrets) {
  const std::string file = folder_ + "/bundle.tar.gz";
  ASSERT_EQ(Make(file), ExitCode::kOk) << err_.str();
  const std::string all = Unpacked(file, "-xzOf");
  EXPECT_EQ(all.find(kPassphrase), std::string::npos);
  for (const std::string& pem : {key_, authority_.pem().key_pem}) {
    std::istringstream lines(pem);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("-----")) continue;
      EXPECT_EQ(all.find(line), std::string::npos) << line;
    }
  }
  EXPECT_EQ(all.find("PRIVATE KEY"), std::string::npos);
}

TEST_F(BundleTest, SaysWhatWasNotToBeHad) {
  const std::string file = folder_ + "/bundle.tar.gz";
  Terminal terminal{.out = out_, .err = err_};
  ASSERT_EQ(MakeBundle(terminal, {.out = file,
                                  .settings = {folder_ + "/none.yaml"},
                                  .open_manager = []() -> StatusOr<std::unique_ptr<ManagerClient>> {
                                    return FailedPrecondition("no settings of the command");
                                  }}),
            ExitCode::kOk);
  const std::string all = Unpacked(file, "-xzOf");
  EXPECT_NE(all.find("What was not to be had:"), std::string::npos);
  EXPECT_NE(all.find("no settings of the command"), std::string::npos);
  EXPECT_NE(all.find("none.yaml: No such file"), std::string::npos);
}

TEST_F(BundleTest, LeavesNothingBehindWhereItCannotWrite) {
  EXPECT_EQ(Make(folder_ + "/no/such/folder.tar.gz"), ExitCode::kFailed);
  EXPECT_NE(err_.str().find("folder.tar.gz"), std::string::npos) << err_.str();
}

TEST(CollectionTest, KeepsToItsLimits) {
  Collection collection;
  collection.Add("big", "too big", std::string(kItemBytesMax + 10, '.'));
  EXPECT_EQ(collection.items()[0].content.size(), kItemBytesMax);
  EXPECT_EQ(collection.items()[0].problem, "shortened from 4.0 MiB");
  for (size_t i = 0; i < 2 * kBundleBytesMax / kItemBytesMax; ++i) {
    collection.Add("more", "more", std::string(kItemBytesMax, '.'));
  }
  size_t bytes = 0;
  for (const Collection::Item& item : collection.items()) bytes += item.content.size();
  EXPECT_EQ(bytes, kBundleBytesMax);
}

TEST(CollectionTest, OfALongLogItKeepsTheEnd) {
  const std::string path = NewFolder() + "/log";
  {
    std::ofstream log(path);
    for (int i = 0; i < 600'000; ++i) log << "line " << i << "\n";
  }
  Collection collection;
  collection.AddFile("log", path, Collection::Keep::kEnd);
  const Collection::Item& item = collection.items()[0];
  EXPECT_TRUE(item.content.starts_with("line "));
  EXPECT_TRUE(item.content.ends_with("line 599999\n"));
  EXPECT_EQ(item.problem, "its end only");
}

}  // namespace
}  // namespace strata::cli::bundle

#include "service_manager/app/manager.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "common/tls/test_authority.h"
#include "service_manager/app/settings.h"

namespace strata::manager::app {
namespace {

namespace fs = std::filesystem;

class ManagerTest : public testing::Test {
 protected:
  ManagerTest() { fs::create_directories(folder_); }
  ~ManagerTest() override { fs::remove_all(folder_); }

  // Why a manager with this certificate and data folder does not start.
  Status WhyNot(const tls::TlsPaths& files, const std::string& data_folder) {
    const std::string path = folder_ + "/manager.yaml";
    std::ofstream(path) << "data_folder: " << data_folder << "\ntls: {authority: '"
                        << files.authority << "', certificate: '" << files.certificate
                        << "', key: '" << files.key << "'}\nlan: {interface: lo}\n"
                        << "rpc_listen: '127.0.0.1:1'\nstatus_listen: '127.0.0.1:0'\n";
    const StatusOr<Settings> settings = LoadManagerSettings(path);
    if (!settings.ok()) return settings.status();
    return Manager::Start(*settings, [](const Status&) {}).status();
  }

  const std::string folder_ =
      testing::TempDir() + testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(ManagerTest, SaysWhichCertificateCannotBeRead) {
  const Status why = WhyNot({.authority = folder_ + "/ca.pem",
                             .certificate = folder_ + "/certificate.pem",
                             .key = folder_ + "/key.pem",
                             .revocations = ""},
                            folder_ + "/data");
  ASSERT_FALSE(why.ok());
  EXPECT_NE(MessageOf(why).find(folder_), std::string::npos) << MessageOf(why);
  EXPECT_FALSE(fs::exists(folder_ + "/data"));
}

TEST_F(ManagerTest, ACertificateOfAnEngineIsNone) {
  tls::TestAuthority authority(folder_);
  const Status why = WhyNot(authority.Issue("strata://cdn/lan/engine/north-1"), folder_ + "/data");
  EXPECT_NE(MessageOf(why).find("not of a manager"), std::string::npos) << MessageOf(why);
}

TEST_F(ManagerTest, SaysWhichDataFolderCannotBeMade) {
  tls::TestAuthority authority(folder_);
  const std::string data = folder_ + "/missing/data";
  const Status why = WhyNot(authority.Issue("strata://cdn/lan/manager/sm-1"), data);
  EXPECT_NE(MessageOf(why).find(data), std::string::npos) << MessageOf(why);
}

}  // namespace
}  // namespace strata::manager::app

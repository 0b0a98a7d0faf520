#include "cli/configuration.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/settings/settings_schema.h"
#include "gtest/gtest.h"
#include "proto/cli_settings.pb.h"

namespace strata::cli {
namespace {

class ConfigurationTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/configuration-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    environment_["HOME"] = folder_;
  }

  // Writes a settings file below the folder, and gives its path.
  std::string Write(const std::string& name, const std::string& manager) {
    const std::string path = folder_ + "/" + name;
    for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
      mkdir(path.substr(0, at).c_str(), 0755);
    }
    std::ofstream(path) << "manager: \"" << manager
                        << "\"\nca: ca.pem\ncertificate: /c.pem\nkey: sub/k.pem\ntimeout: 7s\n";
    return path;
  }

  StatusOr<ManagerOptions> ConfigureWith(const ConnectionFlags& flags) {
    return Configure(flags, [this](const char* name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      if (found == environment_.end()) return std::nullopt;
      return found->second;
    });
  }

  std::string folder_;
  std::map<std::string, std::string> environment_;
};

TEST_F(ConfigurationTest, TheSchemaIsSound) {
  EXPECT_TRUE(CheckSettingsSchema(*v1::CliSettings::descriptor()).ok());
}

TEST_F(ConfigurationTest, FilesAreNamedFromTheFolderOfTheSettings) {
  const auto options = ConfigureWith({.config = Write("cli.yaml", "sm:7443"), .managers = {}});
  ASSERT_TRUE(options.ok()) << MessageOf(options.status());
  EXPECT_EQ(options->managers.at(0), "sm:7443");
  EXPECT_EQ(options->paths.authority, folder_ + "/ca.pem");
  EXPECT_EQ(options->paths.certificate, "/c.pem");
  EXPECT_EQ(options->paths.key, folder_ + "/sub/k.pem");
  EXPECT_EQ(options->paths.revocations, "");
  EXPECT_EQ(options->timeout, std::chrono::seconds(7));
}

TEST_F(ConfigurationTest, TheCommandLineComesFirst) {
  const std::string path = Write("cli.yaml", "sm:7443");
  const auto options = ConfigureWith(
      {.config = path, .managers = {"[2001:db8::1]:1"}, .timeout = std::chrono::seconds(1)});
  ASSERT_TRUE(options.ok()) << MessageOf(options.status());
  EXPECT_EQ(options->managers.at(0), "[2001:db8::1]:1");
  EXPECT_EQ(options->timeout, std::chrono::seconds(1));
}

TEST_F(ConfigurationTest, TakesSeveralManagers) {
  const std::string path = Write("cli.yaml", "sm-1:1, sm-2:2");
  using Managers = std::vector<std::string>;
  EXPECT_EQ(ConfigureWith({.config = path, .managers = {}})->managers,
            (Managers{"sm-1:1", "sm-2:2"}));
  std::ofstream(path, std::ios::app) << "managers: [\"sm-3:3\", \"sm-1:1\"]\n";
  EXPECT_EQ(ConfigureWith({.config = path, .managers = {}})->managers,
            (Managers{"sm-1:1", "sm-2:2", "sm-3:3"}));
  EXPECT_EQ(ConfigureWith({.config = path, .managers = {"a:1,b:2", "c:3"}})->managers,
            (Managers{"a:1", "b:2", "c:3"}));
  EXPECT_FALSE(ConfigureWith({.config = path, .managers = {"a:1,b"}}).ok());
  const Managers many(1, "a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9,b:1,b:2,b:3,b:4,b:5,b:6,b:7,b:8");
  EXPECT_FALSE(ConfigureWith({.config = path, .managers = many}).ok());
}

TEST_F(ConfigurationTest, FindsItsFile) {
  Write(".config/strata/cli.yaml", "home:1");
  EXPECT_EQ(ConfigureWith({})->managers.at(0), "home:1");
  Write("xdg/strata/cli.yaml", "xdg:1");
  environment_["XDG_CONFIG_HOME"] = folder_ + "/xdg";
  EXPECT_EQ(ConfigureWith({})->managers.at(0), "xdg:1");
  environment_["STRATA_CONFIG"] = Write("other.yaml", "variable:1");
  EXPECT_EQ(ConfigureWith({})->managers.at(0), "variable:1");
}

TEST_F(ConfigurationTest, KnowsWhatIsNoAddress) {
  const std::string path = Write("cli.yaml", "");
  for (const std::string address :
       {"sm", "sm:", ":7443", "sm:http", "2001:db8::1", "2001:db8::1:7443"}) {
    EXPECT_FALSE(ConfigureWith({.config = path, .managers = {address}}).ok()) << address;
  }
  EXPECT_NE(
      MessageOf(ConfigureWith({.config = path, .managers = {}}).status()).find("which manager?"),
      std::string::npos);
}

}  // namespace
}  // namespace strata::cli

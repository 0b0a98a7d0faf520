#include "cli/configuration.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <optional>
#include <string>

#include "common/settings_schema.h"
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
  const auto options = ConfigureWith({.config = Write("cli.yaml", "sm:7443"), .manager = ""});
  ASSERT_TRUE(options.ok()) << MessageOf(options.status());
  EXPECT_EQ(options->address, "sm:7443");
  EXPECT_EQ(options->paths.authority, folder_ + "/ca.pem");
  EXPECT_EQ(options->paths.certificate, "/c.pem");
  EXPECT_EQ(options->paths.key, folder_ + "/sub/k.pem");
  EXPECT_EQ(options->paths.revocations, "");
  EXPECT_EQ(options->timeout, std::chrono::seconds(7));
}

TEST_F(ConfigurationTest, TheCommandLineComesFirst) {
  const std::string path = Write("cli.yaml", "sm:7443");
  const auto options = ConfigureWith(
      {.config = path, .manager = "[2001:db8::1]:1", .timeout = std::chrono::seconds(1)});
  ASSERT_TRUE(options.ok()) << MessageOf(options.status());
  EXPECT_EQ(options->address, "[2001:db8::1]:1");
  EXPECT_EQ(options->timeout, std::chrono::seconds(1));
}

TEST_F(ConfigurationTest, FindsItsFile) {
  Write(".config/strata/cli.yaml", "home:1");
  EXPECT_EQ(ConfigureWith({})->address, "home:1");
  Write("xdg/strata/cli.yaml", "xdg:1");
  environment_["XDG_CONFIG_HOME"] = folder_ + "/xdg";
  EXPECT_EQ(ConfigureWith({})->address, "xdg:1");
  environment_["STRATA_CONFIG"] = Write("other.yaml", "variable:1");
  EXPECT_EQ(ConfigureWith({})->address, "variable:1");
}

TEST_F(ConfigurationTest, KnowsWhatIsNoAddress) {
  const std::string path = Write("cli.yaml", "");
  for (const std::string address :
       {"sm", "sm:", ":7443", "sm:http", "2001:db8::1", "2001:db8::1:7443"}) {
    EXPECT_FALSE(ConfigureWith({.config = path, .manager = address}).ok()) << address;
  }
  EXPECT_NE(
      MessageOf(ConfigureWith({.config = path, .manager = ""}).status()).find("which manager?"),
      std::string::npos);
}

}  // namespace
}  // namespace strata::cli

#include "cli/doctor/subject.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <string>

namespace strata::cli::doctor {
namespace {

class SubjectTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/subject-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
  }
  std::string Write(const std::string& text) {
    const std::string path = folder_ + "/settings.yaml";
    std::ofstream(path) << text;
    return path;
  }

  std::string folder_;
};

TEST_F(SubjectTest, KnowsTheSamplesOfThePackages) {
  const auto manager = ReadSubject("deploy/debian/manager.yaml");
  ASSERT_TRUE(manager.ok()) << MessageOf(manager.status());
  EXPECT_EQ(manager->settings.error, "");
  EXPECT_EQ(manager->settings.kind, Kind::kManager);
  EXPECT_EQ(manager->tls.key, "/etc/strata/manager/key.pem");
  ASSERT_EQ(manager->ports.size(), 4u);
  EXPECT_EQ(manager->ports[3].setting, "http.listen");
  EXPECT_EQ(ToString(manager->ports[3].endpoint), "[::]:80");
  EXPECT_TRUE(manager->group.has_value() && manager->group->sure);

  const auto engine = ReadSubject("deploy/debian/engine.yaml");
  ASSERT_TRUE(engine.ok()) << MessageOf(engine.status());
  EXPECT_EQ(engine->settings.error, "");
  EXPECT_EQ(engine->settings.kind, Kind::kEngine);
  EXPECT_EQ(engine->managers, std::vector<std::string>{"192.0.2.1:7400"});
  ASSERT_EQ(engine->folders.size(), 3u);
  EXPECT_EQ(engine->folders[1].path, "/var/lib/strata/engine/cache");
  EXPECT_EQ(engine->folders[1].bytes_wanted, uint64_t{10} << 30);
  EXPECT_EQ(engine->nginx_program, "/usr/sbin/nginx");

  const auto command = ReadSubject("deploy/debian/cli.yaml");
  ASSERT_TRUE(command.ok()) << MessageOf(command.status());
  EXPECT_EQ(command->settings.error, "");
  EXPECT_EQ(command->settings.kind, Kind::kCommand);
}

TEST_F(SubjectTest, FilesOfTheCommandAreNamedFromItsFolder) {
  const auto command =
      ReadSubject(Write("managers: [\"a:1\", \"b:2\"]\nca: ca.pem\nkey: /k.pem\n"));
  ASSERT_TRUE(command.ok());
  EXPECT_EQ(command->tls.authority, folder_ + "/ca.pem");
  EXPECT_EQ(command->tls.key, "/k.pem");
  EXPECT_EQ(command->managers.size(), 2u);
}

TEST_F(SubjectTest, MistakesAreToldByTheKindOfFile) {
  const auto manager = ReadSubject(Write("data_folder: /x\nrpc_listen: nowhere\n"));
  ASSERT_TRUE(manager.ok());
  EXPECT_EQ(manager->settings.kind, Kind::kManager);
  EXPECT_NE(manager->settings.error.find("rpc_listen: "), std::string::npos);
  const auto engine = ReadSubject(Write("data_folder: /x\nmanagers: 7\nclients: []\n"));
  ASSERT_TRUE(engine.ok());
  EXPECT_EQ(engine->settings.kind, Kind::kEngine);
  EXPECT_NE(engine->settings.error, "");
  const auto witness = ReadSubject(
      Write("data_folder: /x\nmanagers: [\"a:1\"]\ntls: {authority: a, certificate: b, key: c}\n"
            "lan: {interface: eth0}\n"));
  ASSERT_TRUE(witness.ok());
  EXPECT_EQ(witness->settings.error, "");
  EXPECT_EQ(witness->settings.kind, Kind::kWitness);
  const auto broken = ReadSubject(Write("{{{"));
  ASSERT_TRUE(broken.ok());
  EXPECT_NE(broken->settings.error, "");
}

TEST_F(SubjectTest, AFileThatIsNotThereIsNoSubject) {
  EXPECT_EQ(ReadSubject(folder_ + "/none.yaml").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace strata::cli::doctor

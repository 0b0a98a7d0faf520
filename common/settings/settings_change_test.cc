#include "common/settings/settings_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/settings/settings_test.pb.h"

namespace strata {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

testing::TestSettings Settings() {
  testing::TestSettings settings;
  settings.set_port(8080);
  settings.mutable_multicast()->set_tick(5);
  settings.add_weights(1);
  (*settings.mutable_labels())["a"] = "1";
  return settings;
}

TEST(SettingsChangeTest, EqualSettingsDoNotDiffer) {
  const SettingsChange change = CompareSettings(Settings(), Settings());
  EXPECT_THAT(change.at_once, IsEmpty());
  EXPECT_THAT(change.at_restart, IsEmpty());
}

TEST(SettingsChangeTest, NamesWhatNeedsARestartApart) {
  testing::TestSettings after = Settings();
  after.set_port(81);
  after.set_name("other");
  const SettingsChange change = CompareSettings(Settings(), after);
  EXPECT_THAT(change.at_once, ElementsAre("name"));
  EXPECT_THAT(change.at_restart, ElementsAre("port"));
}

TEST(SettingsChangeTest, NamesTheKeysInsideOfSections) {
  testing::TestSettings after = Settings();
  after.mutable_multicast()->set_tick(6);
  after.mutable_multicast()->set_majority(true);
  EXPECT_THAT(CompareSettings(Settings(), after).at_once,
              ElementsAre("multicast.tick", "multicast.majority"));
}

TEST(SettingsChangeTest, ListsMapsAndSectionsThatCameDifferAsAWhole) {
  testing::TestSettings after = Settings();
  after.add_weights(2);
  (*after.mutable_labels())["a"] = "2";
  after.mutable_tls()->set_key("key.pem");
  EXPECT_THAT(CompareSettings(Settings(), after).at_once, ElementsAre("tls", "labels", "weights"));
}

}  // namespace
}  // namespace strata

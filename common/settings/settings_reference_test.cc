#include "common/settings/settings_reference.h"

#include <gtest/gtest.h>

#include "common/settings/settings_test.pb.h"

namespace strata {
namespace {

TEST(RenderSettingsReferenceTest, HasARowForEachKey) {
  EXPECT_EQ(
      RenderSettingsReference(*testing::TlsSettings::descriptor()),
      "| Key | Value | Default | Change takes effect | Meaning |\n"
      "|-----|-------|---------|---------------------|---------|\n"
      "| `certificate` | a text of at most 4096 bytes | required | at once | Certificate chain. "
      "|\n"
      "| `key` | a text of at most 4096 bytes | required | at once | Private key. |\n");
}

TEST(RenderSettingsReferenceTest, DescribesSectionsListsMapsAndChoices) {
  const std::string text = RenderSettingsReference(*testing::TestSettings::descriptor());
  for (const char* row : {
           "| `port` | an integer from 1 to 65535 | `8080` | at restart | Port to listen on. |\n",
           "| `multicast` | a section |  | at once | Reliable multicast. |\n",
           "| `multicast.tick` | a duration (such as \"200us\" or \"5s\") from 100us to 1s | `1ms` "
           "|",
           "| `multicast.group` | an endpoint (address:port or [address]:port) | `239.0.0.1:4000` "
           "| "
           "at once | Group \\| port. |\n",
           "| `multicast.lag` | a duration (such as \"200us\" or \"5s\") | left out |",
           "| `multicast.majority` | true or false | left out |",
           "| `tls` | a section | left out |",
           "| `sites` | a list, each item a section | empty |",
           "| `sites[].host` | a text of at most 4096 bytes | required |",
           "| `sites[].children` | a list, each item a section | empty |",
           "| `sites[].children[].*` | | | | As `sites[].*`. |\n",
           "| `labels` | a section, each value a text of at most 4096 bytes | empty |",
           "| `aliases.<key>.host` |",
           "| `weights` | a list, each item an integer from 1 to 100 | empty |",
       }) {
    EXPECT_NE(text.find(row), std::string::npos) << row << "\nis not in\n" << text;
  }
}

}  // namespace
}  // namespace strata

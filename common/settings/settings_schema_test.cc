#include "common/settings/settings_schema.h"

#include <gtest/gtest.h>

#include "common/settings/settings_test.pb.h"

namespace strata {
namespace {

using testing::BadSettings;

template <class Settings>
std::string Faults() {
  std::string text = MessageOf(CheckSettingsSchema(*Settings::descriptor()));
  const std::string prefix = Settings::descriptor()->full_name() + ".x: ";
  if (text.starts_with(prefix)) text.erase(0, prefix.size());
  return text;
}

TEST(CheckSettingsSchemaTest, AcceptsASoundSchema) {
  EXPECT_EQ(Faults<testing::TestSettings>(), "");
}

TEST(CheckSettingsSchemaTest, FindsEachKindOfFault) {
  EXPECT_EQ(Faults<BadSettings::NoHelp>(), "no help");
  EXPECT_EQ(Faults<BadSettings::BadDefault>(),
            "the default is not an integer from -2147483648 to 2147483647");
  EXPECT_EQ(Faults<BadSettings::DefaultOutOfRange>(),
            "the default is not an integer from -2147483648 to 4");
  EXPECT_EQ(Faults<BadSettings::BadMinimum>(), "min cannot be read");
  EXPECT_EQ(Faults<BadSettings::EmptyRange>(), "min is above max");
  EXPECT_EQ(Faults<BadSettings::RangeOfText>(), "a range needs a number");
  EXPECT_EQ(Faults<BadSettings::UnitOfText>(), "a unit needs a 64-bit integer");
  EXPECT_EQ(Faults<BadSettings::FormatOfNumber>(), "a format needs a string");
  EXPECT_EQ(Faults<BadSettings::RequiredWithDefault>(), "required and with a default");
  EXPECT_EQ(Faults<BadSettings::DefaultOfList>(),
            "a default needs a single value outside a choice");
  EXPECT_EQ(Faults<BadSettings::DefaultOfChoice>(),
            "a default needs a single value outside a choice");
  EXPECT_EQ(Faults<BadSettings::RawBytes>(), "bytes have no written form");
  EXPECT_EQ(Faults<BadSettings::Endless>(), "a section inside itself must be optional");
}

TEST(CheckSettingsSchemaTest, LooksIntoSections) {
  EXPECT_EQ(Faults<BadSettings::Deeper>(), "strata.testing.BadSettings.NoHelp.x: no help");
}

}  // namespace
}  // namespace strata

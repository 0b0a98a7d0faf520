#include "common/settings/settings_rule.h"

#include <gtest/gtest.h>

#include "common/settings/settings_test.pb.h"

namespace strata {
namespace {

using google::protobuf::Descriptor;
using testing::MulticastSettings;
using testing::TestSettings;

SettingRule RuleOf(const Descriptor& type, const char* name) {
  return SettingRule(*type.FindFieldByName(name));
}

SettingRule Multicast(const char* name) { return RuleOf(*MulticastSettings::descriptor(), name); }
SettingRule Root(const char* name) { return RuleOf(*TestSettings::descriptor(), name); }

TEST(SettingRuleTest, SaysWhatIsExpected) {
  EXPECT_EQ(Root("port").Expected(), "an integer from 1 to 65535");
  EXPECT_EQ(Root("name").Expected(), "a text of at most 4096 bytes");
  EXPECT_EQ(Root("multicast").Expected(), "a section");
  EXPECT_EQ(Root("weights").Expected(), "an integer from 1 to 100");
  EXPECT_EQ(Root("order").Expected(), "one of full, scope, summary");
  EXPECT_EQ(Root("switches").Expected(), "true or false");
  EXPECT_EQ(
      SettingRule::ForKeys(*TestSettings::descriptor()->FindFieldByName("switches")).Expected(),
      "an integer from -2147483648 to 2147483647");
  EXPECT_EQ(Multicast("tick").Expected(),
            "a duration (such as \"200us\" or \"5s\") from 100us to 1s");
  EXPECT_EQ(Multicast("lag").Expected(), "a duration (such as \"200us\" or \"5s\")");
  EXPECT_EQ(Multicast("buffer").Expected(),
            "a size (such as \"64KiB\" or \"1.5GiB\") of at least 64KiB");
  EXPECT_EQ(Multicast("loss").Expected(), "a number from 0 to 1");
  EXPECT_EQ(Multicast("pace").Expected(), "a number");
  EXPECT_EQ(Multicast("group").Expected(), "an endpoint (address:port or [address]:port)");
  EXPECT_EQ(Multicast("source").Expected(), "an IP address");
  EXPECT_EQ(Multicast("fixed").Expected(), "an integer from 1 to 4294967295");
  EXPECT_EQ(Multicast("offset").Expected(), "an integer");
  EXPECT_EQ(Multicast("serial").Expected(), "an integer of at least 0");
}

TEST(SettingRuleTest, ReadsValuesUpToBothEndsOfTheRange) {
  EXPECT_EQ(Root("port").Parse("1", false), SettingValue(int64_t{1}));
  EXPECT_EQ(Root("port").Parse("65535", false), SettingValue(int64_t{65535}));
  EXPECT_EQ(Root("port").Parse("0", false), std::nullopt);
  EXPECT_EQ(Root("port").Parse("65536", false), std::nullopt);
  EXPECT_EQ(Multicast("tick").Parse("100us", false), SettingValue(int64_t{100'000}));
  EXPECT_EQ(Multicast("tick").Parse("99us", false), std::nullopt);
  EXPECT_EQ(Multicast("tick").Parse("1000ms", false), SettingValue(int64_t{1'000'000'000}));
  EXPECT_EQ(Multicast("tick").Parse("1.001s", false), std::nullopt);
  EXPECT_EQ(Multicast("buffer").Parse("64KiB", false), SettingValue(uint64_t{65536}));
  EXPECT_EQ(Multicast("buffer").Parse("65535", false), std::nullopt);
  EXPECT_EQ(Multicast("loss").Parse("1", false), SettingValue(1.0));
  EXPECT_EQ(Multicast("loss").Parse("1.0001", false), std::nullopt);
  EXPECT_EQ(Multicast("loss").Parse("-0.1", false), std::nullopt);
}

TEST(SettingRuleTest, ReadsIntegersUpToTheEndsOfTheirType) {
  const SettingRule offset = Multicast("offset");
  EXPECT_EQ(offset.Parse("-9223372036854775808", false), SettingValue(INT64_MIN));
  EXPECT_EQ(offset.Parse("9223372036854775807", false), SettingValue(INT64_MAX));
  EXPECT_EQ(offset.Parse("9223372036854775808", false), std::nullopt);
  const SettingRule serial = Multicast("serial");
  EXPECT_EQ(serial.Parse("18446744073709551615", false), SettingValue(UINT64_MAX));
  EXPECT_EQ(serial.Parse("18446744073709551616", false), std::nullopt);
  EXPECT_EQ(serial.Parse("-1", false), std::nullopt);
  EXPECT_EQ(Multicast("fixed").Parse("4294967296", false), std::nullopt);
  EXPECT_EQ(Multicast("buffer").Parse("18446744073709551615", false), SettingValue(UINT64_MAX));
}

TEST(SettingRuleTest, RefusesOtherWaysToWriteANumber) {
  for (const char* text :
       {"", " ", "1 ", " 1", "+1", "0x1", "01", "-01", "1.0", "1e3", "1_000", "one", "--1", "-"}) {
    EXPECT_EQ(Multicast("offset").Parse(text, false), std::nullopt) << text;
  }
  for (const char* text : {"", "inf", "nan", "0x1p1", "1,5", "1e999"}) {
    EXPECT_EQ(Multicast("pace").Parse(text, false), std::nullopt) << text;
  }
  EXPECT_EQ(Multicast("pace").Parse("1e39", false), std::nullopt);  // Too great for a float.
}

TEST(SettingRuleTest, TakesQuotedTextForNoNumberOrBool) {
  EXPECT_EQ(Root("port").Parse("8080", true), std::nullopt);
  EXPECT_EQ(Multicast("checked").Parse("true", true), std::nullopt);
  EXPECT_EQ(Multicast("loss").Parse("0.5", true), std::nullopt);
  EXPECT_EQ(Multicast("tick").Parse("1ms", true), SettingValue(int64_t{1'000'000}));
  EXPECT_EQ(Root("name").Parse("8080", true), SettingValue(std::string("8080")));
}

TEST(SettingRuleTest, ReadsBoolsInOneSpelling) {
  EXPECT_EQ(Multicast("checked").Parse("true", false), SettingValue(true));
  EXPECT_EQ(Multicast("checked").Parse("false", false), SettingValue(false));
  for (const char* text : {"yes", "no", "on", "True", "1", ""}) {
    EXPECT_EQ(Multicast("checked").Parse(text, false), std::nullopt) << text;
  }
}

TEST(SettingRuleTest, ReadsEnumsByTheirLowerCaseName) {
  const auto value = Multicast("forwarding").Parse("summary", false);
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(std::get<const google::protobuf::EnumValueDescriptor*>(*value)->number(),
            testing::FORWARDING_SUMMARY);
  for (const char* text : {"SUMMARY", "FORWARDING_SUMMARY", "unspecified", "", "3"}) {
    EXPECT_EQ(Multicast("forwarding").Parse(text, false), std::nullopt) << text;
  }
}

TEST(SettingRuleTest, ChecksTheFormOfTexts) {
  EXPECT_TRUE(Multicast("group").Parse("[ff02::1%2]:4000", false).has_value());
  EXPECT_EQ(Multicast("group").Parse("239.0.0.1", false), std::nullopt);
  EXPECT_TRUE(Multicast("source").Parse("192.0.2.1", false).has_value());
  EXPECT_EQ(Multicast("source").Parse("host", false), std::nullopt);
  EXPECT_TRUE(Root("name").Parse(std::string(kSettingTextBytesMax, 'x'), false).has_value());
  EXPECT_EQ(Root("name").Parse(std::string(kSettingTextBytesMax + 1, 'x'), false), std::nullopt);
}

}  // namespace
}  // namespace strata

#include "common/tls/issue.h"

#include <string>

#include "common/tls/certificate.h"
#include "gtest/gtest.h"

namespace strata::tls {
namespace {

constexpr Validity kValidity{.from_s = 1'800'000'000, .to_s = 1'800'086'400};

TEST(IssueTest, NoTwoCertificatesHaveOneSerialOrKey) {
  const auto authority = MakeAuthority("Test", kValidity);
  ASSERT_TRUE(authority.ok()) << MessageOf(authority.status());
  const Identity who = *ParseIdentityUri("strata://lan/manager/sm");
  const auto one = Issue(*authority, who, kValidity);
  const auto two = Issue(*authority, who, kValidity);
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_NE(one->key_pem, two->key_pem);
  EXPECT_NE(IdentityOfCertificate(one->certificate_pem)->serial,
            IdentityOfCertificate(two->certificate_pem)->serial);
}

TEST(IssueTest, RefusesNamesThatWouldAddToTheCertificate) {
  const auto authority = MakeAuthority("Test", kValidity);
  Identity who = *ParseIdentityUri("strata://lan/engine/a");
  who.name = "a,DNS:manager.strata";
  EXPECT_EQ(Issue(*authority, who, kValidity).status().code(), StatusCode::kInvalidArgument);
  who.name = "a";
  who.scope = "lan,URI:strata://x/operator/eve";
  EXPECT_EQ(Issue(*authority, who, kValidity).status().code(), StatusCode::kInvalidArgument);
}

TEST(IssueTest, RefusesAnAuthorityWithoutItsKey) {
  const auto authority = MakeAuthority("Test", kValidity);
  const auto other = MakeAuthority("Test", kValidity);
  const KeyAndCertificate mixed{.key_pem = other->key_pem,
                                .certificate_pem = authority->certificate_pem};
  const Identity who = *ParseIdentityUri("strata://lan/engine/a");
  EXPECT_EQ(Issue(mixed, who, kValidity).status().code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(IssueRevocations(mixed, {}, 1, kValidity).ok());
}

TEST(IssueTest, RefusesALongNameAndASerialThatIsNone) {
  EXPECT_TRUE(MakeAuthority(std::string(kAuthorityNameBytesMax, 'a'), kValidity).ok());
  EXPECT_FALSE(MakeAuthority(std::string(kAuthorityNameBytesMax + 1, 'a'), kValidity).ok());
  const auto authority = MakeAuthority("Test", kValidity);
  for (const std::string serial : {"", "xyz", "12x"}) {
    EXPECT_FALSE(IssueRevocations(*authority, {{.serial = serial, .at_s = 0}}, 1, kValidity).ok());
  }
}

}  // namespace
}  // namespace strata::tls

#include "common/tls/certificate.h"

#include <string>

#include "common/tls/issue.h"
#include "gtest/gtest.h"

namespace strata::tls {
namespace {

constexpr Validity kValidity{.from_s = 1'800'000'000, .to_s = 1'800'086'400};

KeyAndCertificate Authority() {
  auto authority = MakeAuthority("Test authority", kValidity);
  EXPECT_TRUE(authority.ok()) << MessageOf(authority.status());
  return *authority;
}

KeyAndCertificate IssueFor(const KeyAndCertificate& authority, const std::string& uri) {
  auto issued = Issue(authority, *ParseIdentityUri(uri), kValidity);
  EXPECT_TRUE(issued.ok()) << MessageOf(issued.status());
  return *issued;
}

TEST(CertificateTest, TellsWhoseItIs) {
  const KeyAndCertificate authority = Authority();
  const KeyAndCertificate issued = IssueFor(authority, "strata://cdn/lan/engine/north-1");
  const StatusOr<Identity> identity = IdentityOfCertificate(issued.certificate_pem);
  ASSERT_TRUE(identity.ok()) << MessageOf(identity.status());
  EXPECT_EQ(IdentityUri(*identity), "strata://cdn/lan/engine/north-1");
  EXPECT_EQ(identity->serial.size(), 32u);
  EXPECT_EQ(identity->issuer, "CN=Test authority");
  EXPECT_EQ(identity->not_before_s, kValidity.from_s - 7200);
  EXPECT_EQ(identity->not_after_s, kValidity.to_s);
}

TEST(CertificateTest, RefusesWhatHasNoIdentity) {
  const StatusOr<Identity> none = IdentityOfCertificate(Authority().certificate_pem);
  ASSERT_FALSE(none.ok());
  EXPECT_NE(MessageOf(none.status()).find("no name strata://"), std::string::npos);
  EXPECT_EQ(MessageOf(IdentityOfCertificate("").status()), "no certificate in it");
  std::string broken = Authority().certificate_pem;
  broken.replace(broken.size() / 2, 4, "AAAA");
  EXPECT_FALSE(IdentityOfCertificate(broken).ok());
}

TEST(CertificateTest, IsValidInItsTimeOnly) {
  const KeyAndCertificate issued = IssueFor(Authority(), "strata://lan/viewer/ann");
  const Identity identity = *IdentityOfCertificate(issued.certificate_pem);
  EXPECT_TRUE(CheckValidity(identity, kValidity.from_s).ok());
  EXPECT_TRUE(CheckValidity(identity, kValidity.to_s).ok());
  EXPECT_EQ(MessageOf(CheckValidity(identity, kValidity.to_s + 1)),
            "the certificate of viewer ann of lan expired at 2027-01-16 08:00:00 UTC");
  EXPECT_EQ(MessageOf(CheckValidity(identity, 0)),
            "the certificate of viewer ann of lan is not valid before 2027-01-15 06:00:00 UTC");
}

TEST(CertificateTest, KnowsItsKey) {
  const KeyAndCertificate authority = Authority();
  const KeyAndCertificate one = IssueFor(authority, "strata://lan/engine/a");
  const KeyAndCertificate two = IssueFor(authority, "strata://lan/engine/a");
  EXPECT_TRUE(CheckKeyMatches(one.certificate_pem, one.key_pem).ok());
  EXPECT_FALSE(CheckKeyMatches(one.certificate_pem, two.key_pem).ok());
  EXPECT_FALSE(CheckKeyMatches(one.certificate_pem, "").ok());
}

TEST(CertificateTest, KnowsItsAuthority) {
  const KeyAndCertificate authority = Authority();
  const KeyAndCertificate same_name = Authority();
  const KeyAndCertificate issued = IssueFor(authority, "strata://lan/engine/a");
  EXPECT_TRUE(CheckIssuedBy(issued.certificate_pem, authority.certificate_pem).ok());
  EXPECT_TRUE(
      CheckIssuedBy(issued.certificate_pem, same_name.certificate_pem + authority.certificate_pem)
          .ok());
  EXPECT_EQ(CheckIssuedBy(issued.certificate_pem, same_name.certificate_pem).code(),
            StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace strata::tls

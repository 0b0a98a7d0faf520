#include "common/tls/revocation.h"

#include <string>

#include "common/tls/certificate.h"
#include "common/tls/issue.h"
#include "gtest/gtest.h"

namespace strata::tls {
namespace {

constexpr Validity kValidity{.from_s = 1'800'000'000, .to_s = 1'800'086'400};

class RevocationTest : public testing::Test {
 protected:
  RevocationTest() : authority_(*MakeAuthority("Test authority", kValidity)) {}

  Identity IssueEngine(const KeyAndCertificate& authority) {
    const Identity who = *ParseIdentityUri("strata://lan/engine/a");
    return *IdentityOfCertificate(Issue(authority, who, kValidity)->certificate_pem);
  }

  std::string ListOf(const Identity& identity) {
    return *IssueRevocations(authority_, {{.serial = identity.serial, .at_s = kValidity.from_s}}, 1,
                             kValidity);
  }

  const KeyAndCertificate authority_;
};

TEST_F(RevocationTest, ContainsWhatIsRevokedOnly) {
  const Identity revoked = IssueEngine(authority_);
  const Identity good = IssueEngine(authority_);
  const auto list = RevocationList::Parse(ListOf(revoked), authority_.certificate_pem);
  ASSERT_TRUE(list.ok()) << MessageOf(list.status());
  EXPECT_EQ(list->size(), 1u);
  EXPECT_TRUE(list->Contains(revoked));
  EXPECT_FALSE(list->Contains(good));
}

TEST_F(RevocationTest, SaysNothingOfOtherAuthorities) {
  Identity elsewhere = IssueEngine(authority_);
  const auto list = RevocationList::Parse(ListOf(elsewhere), authority_.certificate_pem);
  ASSERT_TRUE(list.ok());
  elsewhere.issuer = "CN=Another";
  EXPECT_FALSE(list->Contains(elsewhere));
}

TEST_F(RevocationTest, RefusesAListThatTheAuthorityDidNotSign) {
  const KeyAndCertificate other = *MakeAuthority("Test authority", kValidity);
  const auto list = RevocationList::Parse(ListOf(IssueEngine(authority_)), other.certificate_pem);
  ASSERT_FALSE(list.ok());
  EXPECT_EQ(MessageOf(list.status()),
            "the revocation list of \"CN=Test authority\" is not signed by an authority");
}

TEST_F(RevocationTest, ReadsAnEmptyListAndSeveral) {
  const std::string empty = *IssueRevocations(authority_, {}, 1, kValidity);
  EXPECT_EQ(RevocationList::Parse(empty, authority_.certificate_pem)->size(), 0u);
  const std::string two = ListOf(IssueEngine(authority_)) + ListOf(IssueEngine(authority_));
  EXPECT_EQ(RevocationList::Parse(two, authority_.certificate_pem)->size(), 2u);
}

TEST_F(RevocationTest, RefusesWhatCannotBeRead) {
  EXPECT_FALSE(RevocationList::Parse("", authority_.certificate_pem).ok());
  std::string broken = ListOf(IssueEngine(authority_));
  broken.replace(broken.size() / 2, 8, "AAAAAAAA");
  EXPECT_FALSE(RevocationList::Parse(broken, authority_.certificate_pem).ok());
}

}  // namespace
}  // namespace strata::tls

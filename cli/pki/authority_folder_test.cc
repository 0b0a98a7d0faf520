#include "cli/pki/authority_folder.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <string>

#include "common/file.h"
#include "common/tls/revocation.h"
#include "common/tls/tls_files.h"
#include "common/wall_clock.h"
#include "gtest/gtest.h"

namespace strata::cli {
namespace {

class AuthorityFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/pki-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    now_s_ = WallClockSeconds();
    const Status made = AuthorityFolder::Create(folder_, "cdn-one/lan-a", std::nullopt, now_s_);
    ASSERT_TRUE(made.ok()) << MessageOf(made);
  }

  std::unique_ptr<AuthorityFolder> Open() {
    auto opened = AuthorityFolder::Open(folder_);
    EXPECT_TRUE(opened.ok()) << MessageOf(opened.status());
    return *std::move(opened);
  }

  StatusOr<AuthorityFolder::Result> Issue(tls::Role role, const std::string& name) {
    return Open()->Issue({.role = role, .name = name}, now_s_);
  }

  tls::TlsPaths PathsIn(const std::string& folder) const {
    return {.authority = folder + "/ca.pem",
            .certificate = folder + "/certificate.pem",
            .key = folder + "/key.pem",
            .revocations = folder_ + "/crl.pem"};
  }

  static unsigned ModeOf(const std::string& path) {
    struct stat about {};
    EXPECT_EQ(stat(path.c_str(), &about), 0) << path;
    return about.st_mode & 0777;
  }

  std::string folder_;
  int64_t now_s_ = 0;
};

TEST_F(AuthorityFolderTest, WhatItIssuesIsGood) {
  const auto issued = Issue(tls::Role::kEngine, "north-1");
  ASSERT_TRUE(issued.ok()) << MessageOf(issued.status());
  EXPECT_EQ(issued->folder, folder_ + "/issued/cdn-one/lan-a/engine/north-1");
  const auto store = tls::TlsStore::Open(PathsIn(issued->folder));
  ASSERT_TRUE(store.ok()) << MessageOf(store.status());
  EXPECT_EQ((*store)->Current()->own, issued->identity);
}

TEST_F(AuthorityFolderTest, KeysAreTheirOwnersOnly) {
  const auto issued = Issue(tls::Role::kManager, "sm");
  ASSERT_TRUE(issued.ok());
  EXPECT_EQ(ModeOf(folder_ + "/ca.key"), 0600u);
  EXPECT_EQ(ModeOf(issued->folder + "/key.pem"), 0600u);
  EXPECT_EQ(ModeOf(issued->folder + "/certificate.pem"), 0644u);
  ASSERT_EQ(chmod((folder_ + "/ca.key").c_str(), 0644), 0);
  EXPECT_EQ(AuthorityFolder::Open(folder_).status().code(), StatusCode::kPermissionDenied);
}

TEST_F(AuthorityFolderTest, IsMadeOnce) {
  const Status again = AuthorityFolder::Create(folder_, "cdn-one", std::nullopt, now_s_);
  EXPECT_EQ(again.code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Open()->index().scope, "cdn-one/lan-a");
}

TEST_F(AuthorityFolderTest, IssuesForItsOwnScopeOnly) {
  auto authority = Open();
  AuthorityFolder::Request request{.role = tls::Role::kEngine, .name = "a", .scope = "cdn-one"};
  EXPECT_EQ(authority->Issue(request, now_s_).status().code(), StatusCode::kInvalidArgument);
  request.scope = "cdn-one/lan-a/below";
  EXPECT_TRUE(authority->Issue(request, now_s_).ok());
  request.name = "../a";
  EXPECT_EQ(authority->Issue(request, now_s_).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(AuthorityFolderTest, OneOfAFederationIssuesForEveryScopeThatIsNamed) {
  const std::string folder = folder_ + "/all";
  ASSERT_TRUE(AuthorityFolder::Create(folder, std::string(kEveryScope), std::nullopt, now_s_).ok());
  const auto authority = *AuthorityFolder::Open(folder);
  AuthorityFolder::Request request{.role = tls::Role::kManager, .name = "sm-1"};
  EXPECT_EQ(authority->Issue(request, now_s_).status().code(), StatusCode::kInvalidArgument);
  for (const char* scope : {"exchange", "cdn-one", "cdn-one/dc-one/lan-a"}) {
    request.scope = scope;
    EXPECT_TRUE(authority->Issue(request, now_s_).ok()) << scope;
  }
  request.scope = "cdn one";
  EXPECT_FALSE(authority->Issue(request, now_s_).ok());
  EXPECT_FALSE(AuthorityFolder::Create(folder_ + "/x", "cdn-one/*", std::nullopt, now_s_).ok());
}

TEST_F(AuthorityFolderTest, DoesNotIssueTwiceUnlessTold) {
  ASSERT_TRUE(Issue(tls::Role::kEngine, "a").ok());
  EXPECT_EQ(Issue(tls::Role::kEngine, "a").status().code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(Issue(tls::Role::kOperator, "a").ok());
  EXPECT_TRUE(Open()->Issue({.role = tls::Role::kEngine, .name = "a", .again = true}, now_s_).ok());
  EXPECT_TRUE(Open()->Revoke("engine/a", now_s_).ok());
  EXPECT_TRUE(Issue(tls::Role::kEngine, "a").ok());
}

TEST_F(AuthorityFolderTest, ACertificateEndsWithItsAuthority) {
  const auto issued = Open()->Issue({.role = tls::Role::kEngine, .name = "a", .days = kDaysMax},
                                    now_s_ + 1000 * int64_t{86400});
  ASSERT_TRUE(issued.ok());
  EXPECT_EQ(issued->identity.not_after_s, Open()->index().valid_until_s);
}

TEST_F(AuthorityFolderTest, RevokesEveryCertificateOfAName) {
  const auto one = Issue(tls::Role::kEngine, "a");
  const auto two = Open()->Issue({.role = tls::Role::kEngine, .name = "a", .again = true}, now_s_);
  const auto other = Issue(tls::Role::kEngine, "b");
  const auto revoked = Open()->Revoke("a", now_s_);
  ASSERT_TRUE(revoked.ok());
  EXPECT_EQ(revoked->size(), 2u);
  EXPECT_EQ(Open()->Revoke("a", now_s_)->size(), 0u);

  const auto list = tls::RevocationList::Parse(*ReadFile(folder_ + "/crl.pem", 1 << 20),
                                               *ReadFile(folder_ + "/ca.pem", 1 << 20));
  ASSERT_TRUE(list.ok()) << MessageOf(list.status());
  EXPECT_TRUE(list->Contains(one->identity));
  EXPECT_TRUE(list->Contains(two->identity));
  EXPECT_FALSE(list->Contains(other->identity));
  EXPECT_FALSE(tls::TlsStore::Open(PathsIn(two->folder)).ok());
}

TEST_F(AuthorityFolderTest, IsForOneAtATime) {
  const auto first = Open();
  EXPECT_EQ(AuthorityFolder::Open(folder_).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(AuthorityFolderTest, SaysHowToBeginWhereThereIsNone) {
  const Status none = AuthorityFolder::Open("/nowhere").status();
  EXPECT_NE(MessageOf(none).find("strata pki init"), std::string::npos);
}

}  // namespace
}  // namespace strata::cli

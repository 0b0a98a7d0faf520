#include "common/tls/tls_files.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <string>

#include "common/tls/test_authority.h"
#include "common/wall_clock.h"
#include "gtest/gtest.h"

namespace strata::tls {
namespace {

std::string NewFolder() {
  std::string path = testing::TempDir() + "/tls-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

class TlsFilesTest : public testing::Test {
 protected:
  // What Open() says of `paths`; empty if nothing.
  static std::string ErrorOf(const TlsPaths& paths) {
    const auto store = TlsStore::Open(paths);
    return store.ok() ? "" : MessageOf(store.status());
  }

  TestAuthority authority_{NewFolder()};
};

TEST_F(TlsFilesTest, ReadsWhatIsGood) {
  const auto store = TlsStore::Open(authority_.Issue("strata://cdn/lan/engine/north-1"));
  ASSERT_TRUE(store.ok()) << MessageOf(store.status());
  EXPECT_EQ((*store)->Current()->own.name, "north-1");
  EXPECT_EQ((*store)->Current()->own.scope, "cdn/lan");
}

TEST_F(TlsFilesTest, RefusesAKeyThatOthersMayRead) {
  const TlsPaths paths = authority_.Issue("strata://lan/engine/a");
  for (const mode_t mode : {0640, 0604, 0620, 0601}) {
    ASSERT_EQ(chmod(paths.key.c_str(), mode), 0);
    const Status refused = TlsStore::Open(paths).status();
    EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied);
    EXPECT_EQ(MessageOf(refused).find(paths.key + ": a private key that others"), 0u);
  }
}

TEST_F(TlsFilesTest, NamesTheFileThatIsMissing) {
  const TlsPaths good = authority_.Issue("strata://lan/engine/a");
  TlsPaths paths = good;
  paths.key = "/nowhere/a.key";
  EXPECT_EQ(ErrorOf(paths).find("/nowhere/a.key:"), 0u);
  paths = good;
  paths.authority = "/nowhere/ca.pem";
  EXPECT_EQ(ErrorOf(paths).find("/nowhere/ca.pem:"), 0u);
  paths = good;
  paths.revocations = "/nowhere/crl.pem";
  EXPECT_EQ(ErrorOf(paths).find("/nowhere/crl.pem:"), 0u);
}

TEST_F(TlsFilesTest, RefusesTheKeyOfAnother) {
  TlsPaths paths = authority_.Issue("strata://lan/engine/a");
  paths.key = authority_.Issue("strata://lan/engine/b").key;
  EXPECT_EQ(ErrorOf(paths), paths.key + ": the private key is not that of the certificate");
}

TEST_F(TlsFilesTest, RefusesACertificateOutsideOfItsTime) {
  const int64_t now_s = WallClockSeconds();
  EXPECT_NE(ErrorOf(authority_.Issue("strata://lan/engine/old",
                                     {.from_s = now_s - 7200, .to_s = now_s - 3600}))
                .find("/old.pem: the certificate of engine old of lan expired at"),
            std::string::npos);
  EXPECT_NE(ErrorOf(authority_.Issue("strata://lan/engine/early",
                                     {.from_s = now_s + 80000, .to_s = now_s + 90000}))
                .find("is not valid before"),
            std::string::npos);
}

TEST_F(TlsFilesTest, RefusesACertificateOfAnotherAuthority) {
  TlsPaths paths = authority_.Issue("strata://lan/engine/a");
  const TestAuthority other(NewFolder());
  paths.authority = other.folder() + "/ca.pem";
  EXPECT_NE(ErrorOf(paths).find("does not come from the authority"), std::string::npos);
}

TEST_F(TlsFilesTest, RefusesACertificateWithoutIdentity) {
  TlsPaths paths = authority_.Issue("strata://lan/engine/a");
  paths.certificate = paths.authority;
  EXPECT_NE(ErrorOf(paths).find("ca.pem: the certificate has no name strata://"),
            std::string::npos);
}

TEST_F(TlsFilesTest, RefusesItsOwnRevokedCertificate) {
  const TlsPaths paths = authority_.Issue("strata://lan/engine/a");
  authority_.Revoke(paths);
  EXPECT_EQ(ErrorOf(paths), paths.certificate + ": the certificate of engine a of lan is revoked");
}

TEST_F(TlsFilesTest, TakesUpRevocationsAndRenewedCertificates) {
  const TlsPaths paths = authority_.Issue("strata://lan/manager/sm");
  const TlsPaths engine = authority_.Issue("strata://lan/engine/a");
  const auto store = TlsStore::Open(paths);
  ASSERT_TRUE(store.ok());
  const Identity theirs = (*TlsStore::Open(engine))->Current()->own;
  EXPECT_TRUE((*store)->Check(theirs).ok());

  const std::string serial = (*store)->Current()->own.serial;
  authority_.Issue("strata://lan/manager/sm");
  authority_.Revoke(engine);
  EXPECT_TRUE((*store)->Check(theirs).ok());
  ASSERT_TRUE((*store)->Reload().ok());
  EXPECT_EQ((*store)->Check(theirs).code(), StatusCode::kUnauthenticated);
  EXPECT_NE((*store)->Current()->own.serial, serial);
}

TEST_F(TlsFilesTest, KeepsWhatItHasWhenTheNewFilesAreBad) {
  const TlsPaths paths = authority_.Issue("strata://lan/manager/sm");
  const auto store = TlsStore::Open(paths);
  ASSERT_TRUE(store.ok());
  const auto before = (*store)->Current();
  WriteTestFile(paths.revocations, "nothing", 0644);
  EXPECT_FALSE((*store)->Reload().ok());
  EXPECT_EQ((*store)->Current(), before);
}

TEST_F(TlsFilesTest, TakesUpRevocationsAlthoughItsOwnCertificateIsBad) {
  const TlsPaths paths = authority_.Issue("strata://lan/manager/sm");
  const TlsPaths engine = authority_.Issue("strata://lan/engine/a");
  const auto store = TlsStore::Open(paths);
  ASSERT_TRUE(store.ok());
  const Identity theirs = (*TlsStore::Open(engine))->Current()->own;
  const std::string serial = (*store)->Current()->own.serial;

  authority_.Issue("strata://lan/manager/sm", {.from_s = 1000, .to_s = 2000});
  authority_.Revoke(engine);
  EXPECT_EQ((*store)->Reload().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ((*store)->Current()->own.serial, serial);
  EXPECT_EQ((*store)->Check(theirs).code(), StatusCode::kUnauthenticated);
}

TEST_F(TlsFilesTest, DoesNotBecomeSomebodyElse) {
  const TlsPaths paths = authority_.Issue("strata://lan/manager/sm");
  const auto store = TlsStore::Open(paths);
  ASSERT_TRUE(store.ok());
  authority_.Issue("strata://lan/operator/sm");
  const Status refused = (*store)->Reload();
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(MessageOf(refused).find("operator sm of lan"), std::string::npos);
}

}  // namespace
}  // namespace strata::tls

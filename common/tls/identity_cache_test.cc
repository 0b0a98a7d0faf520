#include "common/tls/identity_cache.h"

#include <gtest/gtest.h>

#include "common/file.h"
#include "common/tls/test_authority.h"

namespace strata::tls {
namespace {

class IdentityCacheTest : public testing::Test {
 protected:
  std::string PemOf(const std::string& uri) {
    return *ReadFile(authority_.Issue(uri).certificate, kTlsFileBytesMax);
  }

  TestAuthority authority_{testing::TempDir()};
};

TEST_F(IdentityCacheTest, NamesThemAsTheirCertificatesDo) {
  IdentityCache cache(8);
  const std::string one = PemOf("strata://farm/manager/one");
  const std::string two = PemOf("strata://farm/manager/two");
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(cache.IdentityOf(one)->name, "one");
    EXPECT_EQ(cache.IdentityOf(two)->name, "two");
    EXPECT_EQ(cache.IdentityOf(one)->serial.empty(), false);
  }
  EXPECT_EQ(cache.size(), 2U);
}

TEST_F(IdentityCacheTest, WhatNamesNobodyIsRefusedAndNotKept) {
  IdentityCache cache(8);
  EXPECT_FALSE(cache.IdentityOf("no certificate").ok());
  EXPECT_FALSE(cache.IdentityOf("").ok());
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(IdentityCacheTest, KeepsNoMoreThanItsLimit) {
  IdentityCache cache(2);
  for (const char* uri : {"strata://farm/engine/a", "strata://farm/engine/b",
                          "strata://farm/engine/c", "strata://farm/engine/d"}) {
    EXPECT_TRUE(cache.IdentityOf(PemOf(uri)).ok());
    EXPECT_LE(cache.size(), 2U);
  }
}

}  // namespace
}  // namespace strata::tls

#include "multicast/wire/gcm.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "common/hex.h"
#include "multicast/wire/test_values.h"

namespace strata::multicast::internal {
namespace {

// The 20 bytes of section 3 by OpenSSL's own HKDF, in one piece.
Bytes Hkdf(Bytes key, GroupId group, MemberId sender, const Incarnation& incarnation) {
  Bytes salt(8);
  Store<uint64_t>(salt.data(), group.value());
  Bytes info(18 + 4 + 16);
  ByteWriter out(info);
  out.Put("strata multicast 1");
  out.U32(sender.value());
  out.Put(incarnation.bytes);
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key.data(), key.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt.data(), salt.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
      OSSL_PARAM_construct_end(),
  };
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  EVP_KDF_CTX* context = EVP_KDF_CTX_new(kdf);
  Bytes derived(20);
  EXPECT_EQ(EVP_KDF_derive(context, derived.data(), derived.size(), params), 1);
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return derived;
}

TEST(KeyDerivationTest, IsHkdfWithSha256) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    testing::Values values(seed);
    const Bytes key = values.SomeBytes(16, 64);
    const Header header = values.AnyHeader();
    KeyDerivation derivation(key, header.group);
    for (int again = 0; again < 2; ++again) {
      const PacketKey derived = derivation.Derive(header.sender, header.incarnation);
      EXPECT_EQ(ToHex(derived.aes) + ToHex(derived.salt),
                ToHex(Hkdf(key, header.group, header.sender, header.incarnation)));
    }
  }
}

// Case 4 of the GCM specification has 20 bytes of additional data; ours has 56, so the reference is
// a cipher that is set up anew for each packet.
TEST(GcmTest, SealsLikeACipherSetUpForOnePacket) {
  testing::Values values(1);
  PacketKey key;
  key.aes = {1, 2, 3};
  key.salt = {4, 5, 6, 7};
  Gcm reused(key, Gcm::Direction::kSeal);
  for (uint64_t counter = 1; counter <= 50; ++counter) {
    Bytes datagram = values.SomeBytes(kHeaderBytes + kTagBytes, 1472);
    Bytes expected = datagram;
    reused.Seal(datagram, counter);
    Gcm(key, Gcm::Direction::kSeal).Seal(expected, counter);
    EXPECT_EQ(ToHex(datagram), ToHex(expected));
  }
}

TEST(GcmTest, OpensWhatWasSealedAndNothingElse) {
  testing::Values values(2);
  PacketKey key;
  Gcm sealing(key, Gcm::Direction::kSeal);
  Gcm opening(key, Gcm::Direction::kOpen);
  const Bytes plain = values.SomeBytes(200, 200);
  Bytes sealed = plain;
  sealing.Seal(sealed, 7);
  for (size_t at = 0; at < sealed.size(); ++at) {
    Bytes forged = sealed;
    forged[at] ^= 0x10;
    EXPECT_FALSE(opening.Open(forged, 7)) << at;
  }
  Bytes copy = sealed;
  EXPECT_FALSE(opening.Open(copy, 8));
  EXPECT_TRUE(opening.Open(sealed, 7));
  EXPECT_EQ(ToHex(ByteSpan(sealed).first(184)), ToHex(ByteSpan(plain).first(184)));
}

}  // namespace
}  // namespace strata::multicast::internal

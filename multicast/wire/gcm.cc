#include "multicast/wire/gcm.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <cstring>
#include <string_view>

#include "common/check.h"
#include "multicast/wire/header.h"

namespace strata::multicast::internal {
namespace {

constexpr size_t kHashBytes = 32;
constexpr size_t kNonceBytes = 12;
constexpr std::string_view kInfo = "strata multicast 1";

// A failure of OpenSSL here is not the peer's doing: no memory, or a library without AES.
void Must(bool done) { STRATA_CHECK(done, "OpenSSL failed"); }

// Fetched once: a fetch costs more than sealing a packet.
EVP_MAC* Hmac() {
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  return mac;
}
EVP_CIPHER* Aes128Gcm() {
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
  return cipher;
}

void InitHmac(EVP_MAC_CTX* mac, ByteSpan key) {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  Must(EVP_MAC_init(mac, key.data(), key.size(), params) == 1);
}

std::array<uint8_t, kHashBytes> Finish(EVP_MAC_CTX* mac, ByteSpan text) {
  std::array<uint8_t, kHashBytes> hash;
  size_t bytes = 0;
  Must(EVP_MAC_update(mac, text.data(), text.size()) == 1);
  Must(EVP_MAC_final(mac, hash.data(), &bytes, hash.size()) == 1 && bytes == hash.size());
  return hash;
}

}  // namespace

PacketKey::~PacketKey() {
  OPENSSL_cleanse(aes.data(), aes.size());
  OPENSSL_cleanse(salt.data(), salt.size());
}

KeyDerivation::KeyDerivation(ByteSpan key, GroupId group) : mac_(EVP_MAC_CTX_new(Hmac())) {
  Must(mac_ != nullptr);
  std::array<uint8_t, sizeof(uint64_t)> salt;
  Store<uint64_t>(salt.data(), group.value());
  InitHmac(mac_.get(), salt);
  std::array<uint8_t, kHashBytes> extracted = Finish(mac_.get(), key);
  InitHmac(mac_.get(), extracted);
  OPENSSL_cleanse(extracted.data(), extracted.size());
}

PacketKey KeyDerivation::Derive(MemberId sender, const Incarnation& incarnation) {
  // RFC 5869: 20 bytes are the start of the first block, HMAC(extracted, info || 1).
  std::array<uint8_t, kInfo.size() + 4 + 16 + 1> info;
  ByteWriter out(info);
  out.Put(kInfo);
  out.U32(sender.value());
  out.Put(incarnation.bytes);
  out.U8(1);
  Must(EVP_MAC_init(mac_.get(), nullptr, 0, nullptr) == 1);  // The same key anew.
  std::array<uint8_t, kHashBytes> expanded = Finish(mac_.get(), info);
  PacketKey key;
  std::memcpy(key.aes.data(), expanded.data(), key.aes.size());
  std::memcpy(key.salt.data(), expanded.data() + key.aes.size(), key.salt.size());
  OPENSSL_cleanse(expanded.data(), expanded.size());
  return key;
}

Gcm::Gcm(const PacketKey& key, Direction direction)
    : salt_(key.salt), context_(EVP_CIPHER_CTX_new()) {
  Must(context_ != nullptr);
  Must(EVP_CipherInit_ex2(context_.get(), Aes128Gcm(), key.aes.data(), nullptr,
                          static_cast<int>(direction), nullptr) == 1);
}

bool Gcm::Run(std::span<uint8_t> header, std::span<uint8_t> body, uint64_t counter) {
  std::array<uint8_t, kNonceBytes> nonce;
  std::memcpy(nonce.data(), salt_.data(), salt_.size());
  Store<uint64_t>(nonce.data() + salt_.size(), counter);
  EVP_CIPHER_CTX* context = context_.get();
  int bytes = 0;
  Must(EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), -1, nullptr) == 1);
  Must(EVP_CipherUpdate(context, nullptr, &bytes, header.data(), static_cast<int>(header.size())) ==
       1);
  if (!body.empty()) {
    Must(EVP_CipherUpdate(context, body.data(), &bytes, body.data(),
                          static_cast<int>(body.size())) == 1);
  }
  return EVP_CipherFinal_ex(context, body.data(), &bytes) == 1;
}

void Gcm::Seal(std::span<uint8_t> datagram, uint64_t counter) {
  const auto header = datagram.first(kHeaderBytes);
  const auto body = datagram.subspan(kHeaderBytes, datagram.size() - kHeaderBytes - kTagBytes);
  Must(Run(header, body, counter));
  Must(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                           datagram.last(kTagBytes).data()) == 1);
}

bool Gcm::Open(std::span<uint8_t> datagram, uint64_t counter) {
  const auto header = datagram.first(kHeaderBytes);
  const auto body = datagram.subspan(kHeaderBytes, datagram.size() - kHeaderBytes - kTagBytes);
  Must(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes,
                           datagram.last(kTagBytes).data()) == 1);
  return Run(header, body, counter);
}

}  // namespace strata::multicast::internal

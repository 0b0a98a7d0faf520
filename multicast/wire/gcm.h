#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "common/bytes.h"
#include "multicast/wire/types.h"

// The cryptography of sealing (docs/protocols/multicast.md, section 3), over OpenSSL's EVP. Private
// to the room.
namespace strata::multicast::internal {

// What one (group key, sender, incarnation) seals with.
struct PacketKey {
  std::array<uint8_t, 16> aes{};
  std::array<uint8_t, 4> salt{};

  PacketKey() = default;
  PacketKey(const PacketKey&) = default;
  PacketKey& operator=(const PacketKey&) = default;
  ~PacketKey();  // Wipes.
};

// HKDF-SHA256 of one group key: extracts once, then expands for each sender at the price of one
// HMAC.
class KeyDerivation {
 public:
  KeyDerivation(ByteSpan key, GroupId group);

  PacketKey Derive(MemberId sender, const Incarnation& incarnation);

 private:
  struct Free {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
  };
  std::unique_ptr<EVP_MAC_CTX, Free> mac_;  // Keyed with the extracted key.
};

// AES-128-GCM for one direction with one key: only the nonce changes from packet to packet.
class Gcm {
 public:
  enum class Direction : int { kOpen = 0, kSeal = 1 };

  Gcm(const PacketKey& key, Direction direction);

  // `datagram`: header, body, room for the tag. Encrypts the body in place, writes the tag.
  void Seal(std::span<uint8_t> datagram, uint64_t counter);
  // Decrypts the body in place; false if the tag does not verify, the body is then worthless.
  bool Open(std::span<uint8_t> datagram, uint64_t counter);

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };

  // Sets the nonce, takes the header in, and the body through.
  bool Run(std::span<uint8_t> header, std::span<uint8_t> body, uint64_t counter);

  std::array<uint8_t, 4> salt_;
  std::unique_ptr<EVP_CIPHER_CTX, Free> context_;
};

}  // namespace strata::multicast::internal

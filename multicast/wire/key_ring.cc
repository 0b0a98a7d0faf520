#include <openssl/crypto.h>

#include <algorithm>

#include "multicast/wire/seal.h"

namespace strata::multicast {
namespace {

constexpr size_t kKeyBytesMin = 16;
constexpr size_t kKeyBytesMax = 64;

}  // namespace

Status KeyRing::Add(uint8_t id, ByteSpan key) {
  if (key.size() < kKeyBytesMin || key.size() > kKeyBytesMax) {
    return InvalidArgument("a group key has %zu to %zu bytes, not %zu", kKeyBytesMin, kKeyBytesMax,
                           key.size());
  }
  if (const auto found = keys_.find(id); found != keys_.end()) {
    if (std::equal(key.begin(), key.end(), found->second.begin(), found->second.end())) return Ok();
    return AlreadyExists("there is another group key with id %d", id);
  }
  if (keys_.empty()) in_use_ = id;
  keys_.emplace(id, Bytes(key.begin(), key.end()));
  ++generation_;
  return Ok();
}

Status KeyRing::Use(uint8_t id) {
  if (!keys_.contains(id)) return NotFound("no group key with id %d", id);
  in_use_ = id;
  return Ok();
}

Status KeyRing::Forget(uint8_t id) {
  const auto found = keys_.find(id);
  if (found == keys_.end()) return NotFound("no group key with id %d", id);
  if (id == in_use_) return FailedPrecondition("group key %d is in use", id);
  OPENSSL_cleanse(found->second.data(), found->second.size());
  keys_.erase(found);
  ++generation_;
  return Ok();
}

ByteSpan KeyRing::Find(uint8_t id) const {
  const auto found = keys_.find(id);
  return found == keys_.end() ? ByteSpan() : ByteSpan(found->second);
}

}  // namespace strata::multicast

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/tls/identity.h"

namespace strata::tls {

// Remembers whom certificates name: to read one takes some 200 us, and peers show theirs at each
// call. Whether a certificate is good at the moment is another question, to be asked each time. Any
// thread.
class IdentityCache {
 public:
  // Beyond `certificates_max` it begins anew. What names nobody is not remembered.
  explicit IdentityCache(size_t certificates_max) : max_(certificates_max) {}

  // As IdentityOfCertificate().
  StatusOr<Identity> IdentityOf(std::string_view pem);

  size_t size() const;

 private:
  const size_t max_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Identity> by_pem_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::tls

#include "common/tls/identity_cache.h"

#include <utility>

#include "common/tls/certificate.h"

namespace strata::tls {

StatusOr<Identity> IdentityCache::IdentityOf(std::string_view pem) {
  std::string text(pem);
  {
    absl::ReaderMutexLock lock(&mutex_);
    const auto found = by_pem_.find(text);
    if (found != by_pem_.end()) return found->second;
  }
  STRATA_ASSIGN_OR_RETURN(Identity identity, IdentityOfCertificate(text));
  absl::MutexLock lock(&mutex_);
  if (by_pem_.size() >= max_) by_pem_.clear();
  by_pem_.insert_or_assign(std::move(text), identity);
  return identity;
}

size_t IdentityCache::size() const {
  absl::MutexLock lock(&mutex_);
  return by_pem_.size();
}

}  // namespace strata::tls

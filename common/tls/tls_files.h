#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/tls/identity.h"
#include "common/tls/revocation.h"

namespace strata::tls {

inline constexpr size_t kTlsFileBytesMax = 1 << 20;          // Certificates and keys.
inline constexpr size_t kRevocationFileBytesMax = 16 << 20;  // Some 400,000 entries.

// Where the PEM files are.
struct TlsPaths {
  std::string authority;    // The certificates that all others come from.
  std::string certificate;  // One's own, and what leads from it to the authority.
  std::string key;          // Without password, for the eyes of its owner only.
  std::string revocations;  // May be empty: nothing is revoked.
};

// The files' contents, after every check.
struct TlsMaterial {
  std::string authority_pem;
  std::string certificate_pem;
  std::string key_pem;
  int64_t authority_until_s = 0;  // When the first of the authorities' certificates expires.
  Identity own;
  RevocationList revoked;
};

// Reads and checks them all. Every error names the file: PermissionDenied for a key that others
// than its owner may access; FailedPrecondition for a key of another certificate, a certificate
// that is expired, not valid yet, revoked or of another authority; InvalidArgument for one without
// a strata:// identity. `now_s`: seconds since 1970.
StatusOr<TlsMaterial> LoadTlsMaterial(const TlsPaths& paths, int64_t now_s);

// A process's own material, replaced as a whole when the files are read again. Any thread.
class TlsStore {
 public:
  static StatusOr<std::shared_ptr<TlsStore>> Open(const TlsPaths& paths);

  // On SIGHUP, and by TlsWatch. With an error all stays as it was, but for the revocation list: a
  // good one counts from now on whatever is wrong with one's own certificate. Also refuses another
  // identity than the first one: who a process is does not change while it runs.
  Status Reload();

  const TlsPaths& paths() const { return paths_; }
  std::shared_ptr<const TlsMaterial> Current() const;

  // Whether a certificate's owner is still to be believed: Unauthenticated (kUnauthenticated) if it
  // is revoked or out of its time.
  Status Check(const Identity& identity) const;

 private:
  TlsStore(TlsPaths paths, TlsMaterial material);

  Status ReloadAll();
  void ReloadRevocations();

  const TlsPaths paths_;
  mutable absl::Mutex mu_;
  std::shared_ptr<const TlsMaterial> current_ ABSL_GUARDED_BY(mu_);
};

}  // namespace strata::tls

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/pki/index.h"
#include "common/status.h"
#include "common/tls/identity.h"
#include "common/tls/issue.h"

namespace strata::cli {

inline constexpr int kDaysDefault = 365;
inline constexpr int kDaysMax = 3650;
inline constexpr int kAuthorityDays = 3650;

// A certificate authority in a folder: ca.pem, ca.key (0600), crl.pem, index.txt, and what it
// issued, by default in issued/SCOPE/ROLE/NAME/. One process at a time has it; every file is an old
// one or a new one, never a mixture. Errors name files and say what to do. Times: seconds since
// 1970.
class AuthorityFolder {
 public:
  // Makes the folder if need be. `scope` may be kEveryScope. AlreadyExists if there is an authority
  // in it.
  static Status Create(const std::string& folder, const std::string& scope,
                       const std::optional<std::string>& name, int64_t now_s);

  static StatusOr<std::unique_ptr<AuthorityFolder>> Open(const std::string& folder);

  AuthorityFolder(const AuthorityFolder&) = delete;
  AuthorityFolder& operator=(const AuthorityFolder&) = delete;
  ~AuthorityFolder();

  struct Request {
    tls::Role role = tls::Role::kEngine;
    std::string name;
    std::string scope{};               // Empty: the authority's.
    int days = kDaysDefault;           // Never longer than the authority itself.
    std::optional<std::string> out{};  // The folder for certificate.pem, key.pem and ca.pem.
    bool again = false;                // Although a good one was issued already.
  };
  struct Result {
    tls::Identity identity;
    std::string folder;
  };
  // AlreadyExists if a certificate for the same is good still and `again` was not said.
  StatusOr<Result> Issue(const Request& request, int64_t now_s);

  // Revokes all certificates that `who` means (FindIssued), and writes crl.pem anew in any case.
  // Which ones were not revoked before.
  StatusOr<std::vector<Issued>> Revoke(std::string_view who, int64_t now_s);

  const PkiIndex& index() const { return index_; }
  const std::string& folder() const { return folder_; }

 private:
  AuthorityFolder(std::string folder, int lock);

  Status Load();
  Status SaveIndex() const;
  Status SaveRevocations(int64_t now_s);
  Status CheckRequest(const tls::Identity& identity, const Request& request, int64_t now_s) const;

  const std::string folder_;
  const int lock_;
  tls::KeyAndCertificate authority_;
  PkiIndex index_;
};

}  // namespace strata::cli

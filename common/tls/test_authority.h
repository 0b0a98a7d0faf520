#pragma once

#include <string>
#include <vector>

#include "common/tls/issue.h"
#include "common/tls/tls_files.h"

namespace strata::tls {

// An authority for tests, with its files in a folder. Anything that fails ends the test.
class TestAuthority {
 public:
  // Writes ca.pem, crl.pem into `folder`, which is there.
  explicit TestAuthority(std::string folder);

  // A certificate valid for a day, as `NAME.pem` and `NAME.key` in the folder; `uri` such as
  // strata://farm/engine/north-1.
  TlsPaths Issue(const std::string& uri);
  TlsPaths Issue(const std::string& uri, const Validity& validity);

  // Writes crl.pem anew. Only a Reload() takes notice.
  void Revoke(const TlsPaths& paths);

  const KeyAndCertificate& pem() const { return pem_; }
  const std::string& folder() const { return folder_; }

 private:
  void WriteRevocations();

  std::string folder_;
  KeyAndCertificate pem_;
  std::vector<RevokedSerial> revoked_;
  uint64_t lists_ = 0;
};

// Ends the test if the file cannot be written; with this mode.
void WriteTestFile(const std::string& path, const std::string& content, unsigned mode);

}  // namespace strata::tls

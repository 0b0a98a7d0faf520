#pragma once

#include <optional>
#include <string>

#include "cli/exit_code.h"
#include "cli/pki/authority_folder.h"
#include "cli/terminal.h"

// strata pki: a small certificate authority. Nothing here talks to a manager.

namespace strata::cli {

struct PkiInitOptions {
  std::string folder;
  std::string scope;
  std::optional<std::string> name{};
};

struct PkiIssueOptions {
  std::string folder;
  std::string role;
  AuthorityFolder::Request request;  // All but the role.
};

ExitCode InitPki(Terminal& terminal, const PkiInitOptions& options);
ExitCode IssueCertificate(Terminal& terminal, const PkiIssueOptions& options);
ExitCode RevokeCertificate(Terminal& terminal, const std::string& folder, const std::string& who);
// A new key and certificate for who has one; the old one stays good until it expires.
ExitCode RenewCertificate(Terminal& terminal, const std::string& folder, const std::string& who,
                          const AuthorityFolder::Request& request);
ExitCode ListCertificates(Terminal& terminal, const std::string& folder);

}  // namespace strata::cli

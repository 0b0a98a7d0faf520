#include "cli/pki/verbs.h"

#include <string>
#include <utility>
#include <vector>

#include "cli/failure.h"
#include "cli/json.h"
#include "cli/readable.h"
#include "cli/table.h"
#include "common/tls/certificate.h"
#include "common/tls/tls_files.h"
#include "common/wall_clock.h"

namespace strata::cli {
namespace {

constexpr int64_t kDaySeconds = 86400;
constexpr int64_t kSoonDays = 30;

std::string StateOf(const Issued& issued, int64_t now_s) {
  if (issued.revoked_at_s != 0) return "revoked";
  return issued.identity.not_after_s <= now_s ? "expired" : "good";
}

using Fields = std::vector<std::pair<std::string, std::string>>;

Fields FieldsOf(const Issued& issued, int64_t now_s) {
  return {{"name", issued.identity.name},
          {"role", ToString(issued.identity.role)},
          {"scope", issued.identity.scope},
          {"state", StateOf(issued, now_s)},
          {"expires", tls::FormatUtc(issued.identity.not_after_s)},
          {"serial", issued.identity.serial}};
}

Cell StateCell(const Issued& issued, int64_t now_s) {
  const std::string state = StateOf(issued, now_s);
  if (state != "good") return {state, Colour::kGrey};
  const int64_t left_s = issued.identity.not_after_s - now_s;
  if (left_s > kSoonDays * kDaySeconds) return {state, Colour::kGreen};
  return {"expires in " + ReadableSeconds(static_cast<double>(left_s)), Colour::kYellow};
}

// What somebody with a new certificate does next.
std::string NextStep(tls::Role role, const std::string& folder) {
  switch (role) {
    case tls::Role::kManager:
      return "Copy this folder to the manager, and name its files in the manager's settings.";
    case tls::Role::kEngine:
      return "Copy this folder to the engine, and name its files in the engine's settings.";
    case tls::Role::kWitness:
      return "Copy this folder to the witness, and name its files in the witness's settings.";
    case tls::Role::kOperator:
    case tls::Role::kViewer:
      return "For the strata command, in ~/.config/strata/cli.yaml:\n"
             "  manager: HOST:PORT\n"
             "  ca: " +
             folder +
             "/ca.pem\n"
             "  certificate: " +
             folder +
             "/certificate.pem\n"
             "  key: " +
             folder + "/key.pem";
  }
  return "";
}

ExitCode IssueIn(Terminal& terminal, AuthorityFolder& authority,
                 const AuthorityFolder::Request& request) {
  const StatusOr<AuthorityFolder::Result> issued = authority.Issue(request, WallClockSeconds());
  if (!issued.ok()) return Fail(terminal, issued.status());
  if (terminal.json) {
    Fields fields = FieldsOf({.identity = issued->identity}, WallClockSeconds());
    fields.emplace_back("folder", issued->folder);
    terminal.out << JsonLineOf(fields);
    return ExitCode::kOk;
  }
  terminal.out << "A certificate for " << ToString(issued->identity) << ", good until "
               << tls::FormatUtc(issued->identity.not_after_s) << ", is in " << issued->folder
               << ":\n"
               << "  certificate.pem  serial " << issued->identity.serial << "\n"
               << "  key.pem          its private key, for its owner only (mode 600)\n"
               << "  ca.pem           the authority, to know the others by\n"
               << NextStep(request.role, issued->folder) << "\n";
  return ExitCode::kOk;
}

}  // namespace

ExitCode InitPki(Terminal& terminal, const PkiInitOptions& options) {
  const Status made =
      AuthorityFolder::Create(options.folder, options.scope, options.name, WallClockSeconds());
  if (!made.ok()) return Fail(terminal, made);
  if (terminal.json) {
    terminal.out << JsonLineOf(Fields{{"folder", options.folder}, {"scope", options.scope}});
    return ExitCode::kOk;
  }
  const bool every = options.scope == kEveryScope;
  terminal.out << "An authority for " << (every ? "every scope" : options.scope) << " is in "
               << options.folder << ":\n"
               << "  ca.pem   its certificate: everybody needs it\n"
               << "  ca.key   its private key: it never leaves this folder; keep a copy in a safe "
                  "place\n"
               << "  crl.pem  what is revoked: nothing; managers and engines need it\n"
               << "Next: strata pki issue --dir " << options.folder
               << (every ? " --scope SCOPE" : "") << " --role manager --name NAME\n";
  return ExitCode::kOk;
}

ExitCode IssueCertificate(Terminal& terminal, const PkiIssueOptions& options) {
  const StatusOr<tls::Role> role = tls::ParseRole(options.role);
  if (!role.ok()) return Fail(terminal, role.status());
  const auto authority = AuthorityFolder::Open(options.folder);
  if (!authority.ok()) return Fail(terminal, authority.status());
  AuthorityFolder::Request request = options.request;
  request.role = *role;
  return IssueIn(terminal, **authority, request);
}

ExitCode RenewCertificate(Terminal& terminal, const std::string& folder, const std::string& who,
                          const AuthorityFolder::Request& options) {
  const auto authority = AuthorityFolder::Open(folder);
  if (!authority.ok()) return Fail(terminal, authority.status());
  const auto found = FindIssued((*authority)->index(), who);
  if (!found.ok()) return Fail(terminal, found.status());
  const tls::Identity identity = (*authority)->index().issued[found->back()].identity;
  AuthorityFolder::Request request = options;
  request.role = identity.role;
  request.name = identity.name;
  request.scope = identity.scope;
  request.again = true;
  return IssueIn(terminal, **authority, request);
}

ExitCode RevokeCertificate(Terminal& terminal, const std::string& folder, const std::string& who) {
  const auto authority = AuthorityFolder::Open(folder);
  if (!authority.ok()) return Fail(terminal, authority.status());
  const int64_t now_s = WallClockSeconds();
  const StatusOr<std::vector<Issued>> revoked = (*authority)->Revoke(who, now_s);
  if (!revoked.ok()) return Fail(terminal, revoked.status());
  if (terminal.json) {
    for (const Issued& issued : *revoked) terminal.out << JsonLineOf(FieldsOf(issued, now_s));
    return ExitCode::kOk;
  }
  for (const Issued& issued : *revoked) {
    terminal.out << "Revoked: " << ToString(issued.identity) << ", serial "
                 << issued.identity.serial << ".\n";
  }
  if (revoked->empty()) terminal.out << who << " was revoked before.\n";
  terminal.out << "Next: copy " << folder
               << "/crl.pem to the managers and engines, and have them read it (SIGHUP).\n";
  return ExitCode::kOk;
}

ExitCode ListCertificates(Terminal& terminal, const std::string& folder) {
  const auto authority = AuthorityFolder::Open(folder);
  if (!authority.ok()) return Fail(terminal, authority.status());
  const int64_t now_s = WallClockSeconds();
  const PkiIndex& index = (*authority)->index();
  if (terminal.json) {
    for (const Issued& issued : index.issued) {
      terminal.out << JsonLineOf(FieldsOf(issued, now_s));
    }
    return ExitCode::kOk;
  }
  if (index.issued.empty()) {
    terminal.out << "Nothing was issued yet.\n";
    return ExitCode::kOk;
  }
  Table table({{"NAME"}, {"ROLE"}, {"SCOPE"}, {"STATE"}, {"EXPIRES"}, {"SERIAL"}});
  for (const Issued& issued : index.issued) {
    const tls::Identity& identity = issued.identity;
    table.AddRow({identity.name,
                  ToString(identity.role),
                  identity.scope,
                  StateCell(issued, now_s),
                  tls::FormatUtc(identity.not_after_s),
                  {identity.serial, Colour::kGrey}});
  }
  terminal.out << table.Render(terminal.style());
  return ExitCode::kOk;
}

}  // namespace strata::cli

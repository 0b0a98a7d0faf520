#include <memory>
#include <string>

#include "cli/commands/families.h"
#include "cli/pki/verbs.h"

namespace strata::cli {
namespace {

constexpr Word kFolder{"--dir", "DIR", "The authority's folder"};
constexpr Word kDays{"--days", "N", "How long it is good [365]"};
constexpr Bounds kDaysBounds{.min = 1, .max = kDaysMax};
constexpr Word kWho{"who", "WHO", "NAME, ROLE/NAME or a serial"};

void AddInit(Command& pki) {
  struct Typed {
    PkiInitOptions options;
    std::string name;
  };
  const auto typed = std::make_shared<Typed>();
  pki.Verb("init", "Make an authority",
           [typed](Session& session) {
             if (!typed->name.empty()) typed->options.name = typed->name;
             return InitPki(session.terminal, typed->options);
           })
      .Needs({"--dir", "DIR", "Its folder"}, typed->options.folder)
      .Needs({"--scope", "SCOPE",
              "What it issues for, with all below: cdn-one/lan-a; '*' is every scope"},
             typed->options.scope)
      .Takes({"--name", "TEXT", "Its name in certificates"}, typed->name);
}

void AddIssue(Command& pki) {
  struct Typed {
    PkiIssueOptions options;
    std::string out;
  };
  const auto typed = std::make_shared<Typed>();
  PkiIssueOptions& options = typed->options;
  pki.Verb("issue", "Issue a certificate with a new key",
           [typed](Session& session) {
             if (!typed->out.empty()) typed->options.request.out = typed->out;
             return IssueCertificate(session.terminal, typed->options);
           })
      .Needs(kFolder, options.folder)
      .Needs({"--role", "ROLE", "manager, engine, operator, viewer or witness"}, options.role)
      .Needs({"--name", "NAME", "Whose it is"}, options.request.name)
      .Takes({"--scope", "SCOPE", "Of this scope; else the authority's"}, options.request.scope)
      .Takes(kDays, options.request.days, kDaysBounds)
      .Takes({"--out", "FOLDER", "Folder for the files; else DIR/issued/SCOPE/ROLE/NAME"},
             typed->out);
}

void AddRenew(Command& pki) {
  struct Typed {
    std::string folder;
    std::string who;
    std::string out;
    AuthorityFolder::Request request;
  };
  const auto typed = std::make_shared<Typed>();
  pki.Verb("renew", "Issue another one before the first expires",
           [typed](Session& session) {
             if (!typed->out.empty()) typed->request.out = typed->out;
             return RenewCertificate(session.terminal, typed->folder, typed->who, typed->request);
           })
      .Needs(kFolder, typed->folder)
      .Takes(kDays, typed->request.days, kDaysBounds)
      .Takes({"--out", "FOLDER", "Folder for the files; else where the first ones went"},
             typed->out)
      .Needs(kWho, typed->who);
}

void AddRevoke(Command& pki) {
  struct Typed {
    std::string folder;
    std::string who;
  };
  const auto typed = std::make_shared<Typed>();
  pki.Verb("revoke", "Make certificates void",
           [typed](Session& session) {
             return RevokeCertificate(session.terminal, typed->folder, typed->who);
           })
      .Needs(kFolder, typed->folder)
      .Needs(kWho, typed->who);
}

}  // namespace

void AddPkiCommands(Command& root) {
  Command pki = root.Group("pki", "A small certificate authority in a folder; needs no manager");
  AddInit(pki);
  AddIssue(pki);
  AddRenew(pki);
  AddRevoke(pki);
  const auto folder = std::make_shared<std::string>();
  pki.Verb("list", "List what was issued",
           [folder](Session& session) { return ListCertificates(session.terminal, *folder); })
      .Needs(kFolder, *folder);
}

}  // namespace strata::cli

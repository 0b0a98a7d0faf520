#include "cli/doctor/judge.h"

#include <algorithm>

#include "cli/readable.h"

namespace strata::cli::doctor {
namespace {

using Findings = std::vector<Finding>;

const char* RoleOf(Kind kind) {
  switch (kind) {
    case Kind::kManager:
      return "manager";
    case Kind::kEngine:
      return "engine";
    case Kind::kWitness:
      return "witness";
    case Kind::kCommand:
      return "operator";
  }
  return "";
}

bool RoleFits(Kind kind, const std::string& role) {
  return role == RoleOf(kind) || (kind == Kind::kCommand && role == "viewer");
}

std::string InTime(int64_t seconds) { return ReadableSeconds(static_cast<double>(seconds)); }

void JudgeFile(const FileFacts& file, const std::string& user, Findings& findings) {
  const std::string what = file.setting + " " + file.path;
  if (!file.exists) {
    findings.push_back({Level::kFail, "certificates", what + " is not there",
                        "strata pki issue makes ca.pem, certificate.pem and key.pem; copy them "
                        "here, or correct " +
                            file.setting});
  } else if (!file.readable) {
    findings.push_back({Level::kFail, "certificates",
                        what + " cannot be read by " + user + ": " + file.problem,
                        "chown " + user + ": " + file.path +
                            ", and see that the folders above it are open to " + user});
  }
}

void JudgeExpiry(const Facts& facts, Findings& findings) {
  const CertificateFacts& held = *facts.certificates;
  const int64_t now = facts.clock ? facts.clock->now_s : 0;
  if (now == 0) return;
  const char* advice =
      "strata pki renew, where the authority is kept; copy certificate and key here, then reload "
      "the service";
  if (now < held.not_before_s) {
    findings.push_back({Level::kFail, "certificates",
                        "the certificate of " + held.owner + " is not valid for another " +
                            InTime(held.not_before_s - now),
                        "is this machine's clock right? Compare it with that of the authority's"});
  } else if (now >= held.not_after_s) {
    findings.push_back(
        {Level::kFail, "certificates",
         "the certificate of " + held.owner + " expired " + InTime(now - held.not_after_s) + " ago",
         advice});
  } else if (held.not_after_s - now < kExpiryWarnS) {
    findings.push_back(
        {Level::kWarn, "certificates",
         "the certificate of " + held.owner + " expires in " + InTime(held.not_after_s - now),
         advice});
  }
  if (!held.authority_not_after_s) return;
  const int64_t left = *held.authority_not_after_s - now;
  if (left >= kExpiryWarnS) return;
  findings.push_back({left <= 0 ? Level::kFail : Level::kWarn, "certificates",
                      left <= 0 ? "the authority's own certificate has expired"
                                : "the authority's own certificate expires in " + InTime(left),
                      "a new authority takes new certificates everywhere: plan it"});
}

bool AnyFailed(const Findings& findings, size_t from) {
  return std::any_of(findings.begin() + static_cast<std::ptrdiff_t>(from), findings.end(),
                     [](const Finding& finding) { return finding.level == Level::kFail; });
}

}  // namespace

const char* ToString(Level level) {
  switch (level) {
    case Level::kOk:
      return "ok";
    case Level::kWarn:
      return "warn";
    case Level::kFail:
      return "fail";
  }
  return "";
}

void JudgeCertificates(const Facts& facts, Findings& findings) {
  if (!facts.certificates) return;
  const CertificateFacts& held = *facts.certificates;
  const size_t before = findings.size();
  for (const FileFacts& file : held.files) JudgeFile(file, held.user, findings);
  if (!held.role.empty()) {
    JudgeExpiry(facts, findings);
    if (!RoleFits(facts.settings.kind, held.role)) {
      findings.push_back({Level::kFail, "certificates", "the certificate is that of " + held.owner,
                          std::string("here one of role ") + RoleOf(facts.settings.kind) +
                              " is needed: strata pki issue --role " +
                              RoleOf(facts.settings.kind)});
    }
  }
  // What the process itself would say, unless one of the above says it better.
  if (!held.problem.empty() && !AnyFailed(findings, before)) {
    findings.push_back({Level::kFail, "certificates", held.problem,
                        "the files of the section tls have to belong together: copy all of what "
                        "strata pki issue wrote"});
  }
  if (!held.has_revocations) {
    findings.push_back({Level::kWarn, "certificates",
                        "no list of revoked certificates: one that was stolen stays good here",
                        "name crl.pem of the authority's folder in the settings"});
  }
  if (AnyFailed(findings, before)) return;
  findings.push_back(
      {Level::kOk, "certificates",
       held.owner + ", good for another " +
           InTime(held.not_after_s - (facts.clock ? facts.clock->now_s : 0)) +
           (held.has_revocations ? "; " + ReadableCount(held.revoked) + " revoked" : ""),
       ""});
}

std::vector<Finding> Judge(const Facts& facts) {
  Findings findings;
  if (!facts.settings.error.empty()) {
    findings.push_back({Level::kFail, "settings", facts.settings.error,
                        "correct it; --check of the program itself tells the same"});
  } else {
    findings.push_back({Level::kOk, "settings", facts.settings.path + " is well-formed", ""});
  }
  JudgeClock(facts, findings);
  JudgeCertificates(facts, findings);
  JudgePorts(facts, findings);
  JudgeManagers(facts, findings);
  JudgeMulticast(facts, findings);
  JudgeFolders(facts, findings);
  JudgeLimits(facts, findings);
  JudgeNginx(facts, findings);
  return findings;
}

}  // namespace strata::cli::doctor

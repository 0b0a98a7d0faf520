#include "cli/doctor/gather.h"

#include <chrono>

#include "cli/doctor/manager_probe.h"

namespace strata::cli::doctor {
namespace {

constexpr std::chrono::seconds kManagerPatience(4);

}  // namespace

Facts Gather(const Subject& subject) {
  Facts facts;
  facts.settings = subject.settings;
  facts.clock = GatherClock();
  // Of a file that cannot be read nothing else is known.
  if (!subject.settings.error.empty()) return facts;
  facts.certificates = GatherCertificates(subject);
  facts.ports = GatherPorts(subject);
  facts.status = GatherStatus(subject);
  facts.managers =
      ProbeManagers(subject.managers, subject.tls, subject.settings.kind, kManagerPatience);
  if (subject.lan) facts.multicast = GatherMulticast(subject);
  for (const Subject::Folder& folder : subject.folders) {
    facts.folders.push_back(GatherFolder(folder, subject.user));
  }
  if (subject.settings.kind != Kind::kCommand) facts.limits = GatherLimits(subject);
  if (!subject.nginx_program.empty()) facts.nginx = GatherNginx(subject.nginx_program);
  return facts;
}

}  // namespace strata::cli::doctor

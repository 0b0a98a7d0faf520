#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/doctor/facts.h"
#include "cli/doctor/subject.h"

// Looks at this machine, from where a settings file says that something should be.

namespace strata::cli::doctor {

// All of it; some seconds. Changes nothing: ports are tried and let go at once.
Facts Gather(const Subject& subject);

// gather_machine.cc
ClockFacts GatherClock();
FolderFacts GatherFolder(const Subject::Folder& folder, const std::string& user);
LimitFacts GatherLimits(const Subject& subject);
NginxFacts GatherNginx(const std::string& program);
// gather_certificates.cc
CertificateFacts GatherCertificates(const Subject& subject);
// gather_ports.cc
std::vector<PortFacts> GatherPorts(const Subject& subject);
std::optional<StatusFacts> GatherStatus(const Subject& subject);
// gather_multicast.cc
MulticastFacts GatherMulticast(const Subject& subject);

}  // namespace strata::cli::doctor

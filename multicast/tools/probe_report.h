#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "multicast/tools/probe_findings.h"

// What group_probe prints.
namespace strata::multicast {

struct ProbeReport {
  std::string group;  // Who was asked, in words.
  const std::map<MemberId, ProbedMember>& members;
  std::vector<std::string> findings;
};

// A table, and below it the findings or one line that says that all is well.
void WriteTable(const ProbeReport& report, std::ostream& out);

// One object: group, ok, members (round trips in microseconds), findings.
void WriteJson(const ProbeReport& report, std::ostream& out);

}  // namespace strata::multicast

#pragma once

#include <string>
#include <vector>

#include "cli/topology/process_settings.h"
#include "cli/topology/topology.h"
#include "common/tls/identity.h"
#include "proto/topology.pb.h"

namespace strata::cli::topology {

struct RenderedFile {
  std::string path;  // From the folder that is rendered to.
  std::string content;
  bool derived = false;  // Of the others: nobody has reason to change it by hand.
};

// A certificate that somebody needs, and the folder for it.
struct NeededCertificate {
  tls::Identity identity;   // Role, scope and name.
  std::string folder;       // From the folder that is rendered to.
  bool of_process = false;  // Its process reads the revocations beside it.
};

// All that a folder has for a topology, but for the certificates themselves. No I/O.
struct Rendering {
  std::vector<RenderedFile> files;
  std::vector<NeededCertificate> certificates;
  v1::RenderedTopology summary;
  std::string authority_scope;  // What the authority issues for.
};

inline constexpr const char* kSummaryFile = "processes.json";
inline constexpr const char* kStartOrderFile = "start_order.txt";
inline constexpr const char* kOperatorName = "operator";

// `local`: the folder in which files are written, an absolute path, for the summary; `places` are
// where they will be on their machines. The plan has no faults.
Rendering Render(const Topology& topology, const Places& places, const std::string& local);

}  // namespace strata::cli::topology

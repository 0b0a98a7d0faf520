#pragma once

#include <string>

#include "cli/topology/plan.h"
#include "cli/topology/topology.h"

namespace strata::cli::topology {

// Files in the folder of a process, and what lies beside these folders.
inline constexpr const char* kSettingsFile = "settings.yaml";
inline constexpr const char* kRegionsFile = "regions.txt";
inline constexpr const char* kProcessesFolder = "processes";
inline constexpr const char* kOperatorsFolder = "operators";
inline constexpr const char* kAuthorityFolder = "pki";
inline constexpr const char* kCommandFolder = "cli";

// Where things are on the machines that they are for.
struct Places {
  std::string folder;       // What was rendered.
  std::string data_folder;  // A folder for each process.
  // The managers that found their scopes have done so: they join the others from now on, should
  // their disks be lost.
  bool founded = false;
};

std::string FolderOf(const Places& places, const PlannedProcess& process);
std::string DataFolderOf(const Places& places, const PlannedProcess& process);

// The settings file of a process of a plan without faults, as text. No I/O.
std::string SettingsOf(const Topology& topology, const PlannedScope& scope,
                       const PlannedProcess& process, const Places& places);

// The settings of `strata` for a scope, with the certificate of the operator of `top`; for a file
// in kCommandFolder.
std::string CommandSettingsOf(const PlannedScope& scope, const std::string& top);

}  // namespace strata::cli::topology

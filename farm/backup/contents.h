#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"

namespace strata::farm::backup {

// What is in a backup, gathered from its records as they come. One thread.
class Contents {
 public:
  struct Site {
    uint64_t version = 0;   // The present one; 0: it was removed.
    uint64_t versions = 0;  // So many are kept.
    uint64_t purges = 0;    // Entries of its purge log that are kept.
    uint64_t purged_up_to = 0;
  };
  struct Engine {
    uint32_t id = 0;
    uint64_t registration = 0;
    bool draining = false;
  };

  // DataLoss for a record that a manager could not read.
  Status Add(std::string_view key, std::string_view value);

  const std::map<std::string, Site>& sites() const { return sites_; }  // By name; so below.
  const std::map<std::string, Engine>& engines() const { return engines_; }
  const std::vector<std::string>& managers() const { return managers_; }
  uint64_t audit_records() const { return audit_records_; }
  // Those of tables that this version does not know.
  uint64_t unknown() const { return unknown_; }

 private:
  Status AddRow(const std::string& table, const std::string& key, std::string_view value);
  Status AddEntry(const std::string& log, uint64_t position, std::string_view value);

  std::map<std::string, Site> sites_;
  std::map<std::string, Engine> engines_;
  std::vector<std::string> managers_;
  uint64_t audit_records_ = 0;
  uint64_t unknown_ = 0;
};

// The log that is no site's.
inline constexpr std::string_view kAuditLog = "AUDIT";

}  // namespace strata::farm::backup

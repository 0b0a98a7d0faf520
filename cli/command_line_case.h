#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/fake_manager.h"
#include "common/tls/test_authority.h"
#include "common/tls/tls_files.h"

namespace strata::cli {

std::string NewTestFolder();

// An operator's command beside a manager that is made up, and what it wrote.
class CommandLineCase : public testing::Test {
 protected:
  CommandLineCase();

  // Settings with this certificate; files are named from the folder of the settings.
  void BecomeWith(const tls::TlsPaths& paths);

  // Runs `strata ARGUMENTS` and keeps what it wrote.
  ExitCode Run(const std::vector<std::string>& arguments);

  bool Says(const std::string& part) const { return out_.find(part) != std::string::npos; }
  bool Complains(const std::string& part) const { return err_.find(part) != std::string::npos; }

  const std::string folder_;
  tls::TestAuthority authority_;
  std::unique_ptr<FakeManager> manager_;
  std::map<std::string, std::string> environment_ = {{"STRATA_CONFIG", folder_ + "/cli.yaml"}};
  int frames_ = 0;  // Of displays that go on.
  bool colours_ = false;
  std::string out_;
  std::string err_;
};

}  // namespace strata::cli

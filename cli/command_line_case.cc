#include "cli/command_line_case.h"

#include <stdlib.h>

#include <optional>
#include <sstream>

#include "cli/command_line.h"
#include "cli/terminal.h"

namespace strata::cli {

std::string NewTestFolder() {
  std::string path = testing::TempDir() + "/cli-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

CommandLineCase::CommandLineCase() : folder_(NewTestFolder()), authority_(folder_) {
  manager_ = std::make_unique<FakeManager>(authority_.Issue("strata://cdn-one/lan-a/manager/sm-1"));
  BecomeWith(authority_.Issue("strata://cdn-one/lan-a/operator/ann"));
}

void CommandLineCase::BecomeWith(const tls::TlsPaths& paths) {
  tls::WriteTestFile(folder_ + "/cli.yaml",
                     "manager: \"" + manager_->address() + "\"\nca: ca.pem\ncertificate: " +
                         paths.certificate + "\nkey: " + paths.key + "\nrevocations: crl.pem\n",
                     0644);
}

ExitCode CommandLineCase::Run(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{.out = out, .err = err};
  terminal.wait = [this] { return --frames_ > 0; };
  terminal.is_terminal = terminal.colours = colours_;
  const ExitCode code =
      RunCommandLine(arguments, terminal, [this](const char* name) -> std::optional<std::string> {
        const auto found = environment_.find(name);
        if (found == environment_.end()) return std::nullopt;
        return found->second;
      });
  out_ = out.str();
  err_ = err.str();
  return code;
}

}  // namespace strata::cli

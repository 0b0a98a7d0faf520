#include "cli/command_line.h"

#include <string>
#include <vector>

#include "cli/command_line_case.h"
#include "common/tls/test_authority.h"
#include "gtest/gtest.h"

// What is typed, whatever the verb.
namespace strata::cli {
namespace {

using CommandLineTest = CommandLineCase;

TEST_F(CommandLineTest, ColoursAreForTerminals) {
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kOk);
  EXPECT_FALSE(Says("\x1b["));
  colours_ = true;
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kOk);
  EXPECT_TRUE(Says("\x1b[32mup\x1b[0m"));
  EXPECT_TRUE(Says("\x1b[33mdegraded\x1b[0m"));
  EXPECT_TRUE(Says("\x1b[31mdown\x1b[0m"));
}

TEST_F(CommandLineTest, AnswersProgramsInJson) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"farm", "show", "--json"}, {"--json", "farm", "show"}, {"farm", "--json", "show"}}) {
    EXPECT_EQ(Run(arguments), ExitCode::kOk);
    EXPECT_TRUE(Says("\"has_quorum\": true"));
    EXPECT_TRUE(Says("\"commit_number\": \"1234567\""));
  }
  EXPECT_EQ(Run({"engine", "list", "--json"}), ExitCode::kOk);
  EXPECT_EQ(out_.find("{\"name\":\"north-1\",\"id\":11,"), 0u);
}

TEST_F(CommandLineTest, SaysWhatTheSettingsLack) {
  EXPECT_EQ(Run({"farm", "show", "--manager", "somewhere"}), ExitCode::kUsage);
  EXPECT_TRUE(Complains("\"somewhere\" is no address of a manager: HOST:PORT is"));
  EXPECT_EQ(Run({"farm", "show", "--timeout", "soon"}), ExitCode::kUsage);
  EXPECT_TRUE(Complains("--timeout: \"soon\" is not a duration such as"));
  EXPECT_EQ(Run({"farm", "show", "--config", "/nowhere.yaml"}), ExitCode::kUsage);
  EXPECT_EQ(err_, "strata: /nowhere.yaml: No such file or directory\n");
  tls::WriteTestFile(folder_ + "/cli.yaml", "ca: ca.pem\nmanger: x\n", 0644);
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kUsage);
  EXPECT_TRUE(Complains("cli.yaml:2:1: manger:"));
  environment_ = {{"HOME", "/nowhere"}};
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kUsage);
  EXPECT_TRUE(Complains("no settings file: write one to /nowhere/.config/strata/cli.yaml or "));
}

TEST_F(CommandLineTest, HelpsWithTheCommandLine) {
  EXPECT_EQ(Run({}), ExitCode::kUsage);
  EXPECT_TRUE(Complains("what to do? One of: farm, locate,"));
  EXPECT_EQ(Run({"fram", "show"}), ExitCode::kUsage);
  EXPECT_EQ(err_,
            "strata: \"fram\" is no command; did you mean \"farm\"?\n\"strata --help\" tells "
            "more.\n");
  EXPECT_EQ(Run({"site", "aply"}), ExitCode::kUsage);
  EXPECT_TRUE(Complains("\"aply\" is no command; did you mean \"apply\"?"));
  EXPECT_EQ(Run({"content", "purge"}), ExitCode::kUsage);
  EXPECT_TRUE(Complains("\"strata content purge --help\" tells more"));
  EXPECT_EQ(Run({"farm", "show", "--wtch"}), ExitCode::kUsage);
  EXPECT_TRUE(Complains("--wtch"));
  EXPECT_EQ(Run({"site", "show", "films", "--at", "x"}), ExitCode::kUsage);
  EXPECT_TRUE(Complains("--at: \"x\" is no whole number from 0"));
  EXPECT_EQ(Run({"farm", "show", "--timeout", "1s", "--timeout", "2s"}), ExitCode::kUsage);
  EXPECT_TRUE(Complains("--timeout is given more than once"));
  EXPECT_EQ(Run({"farm", "show", "--timeout", "0s"}), ExitCode::kUsage);
  EXPECT_TRUE(Complains("--timeout: 0s is no time to wait"));
  EXPECT_EQ(Run({"--help"}), ExitCode::kOk);
  EXPECT_TRUE(Says("5: refused"));
  EXPECT_EQ(Run({"--version"}), ExitCode::kOk);
  EXPECT_EQ(out_.find("strata "), 0u);
}

TEST_F(CommandLineTest, CompletesInEveryShell) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(Run({"completion", shell}), ExitCode::kOk);
    EXPECT_TRUE(Says("rollback")) << shell;
  }
}

}  // namespace
}  // namespace strata::cli

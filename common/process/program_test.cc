#include "common/process/program.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace strata {
namespace {

// Each case runs a program in a process of its own, since signals belong to a process.

// Sends itself SIGHUP, and SIGTERM when it was reloaded.
class Echo final : public Service {
 public:
  explicit Echo(Status reload) : reload_(std::move(reload)) { kill(getpid(), SIGHUP); }
  ~Echo() override { fprintf(stderr, "ended in order\n"); }
  Status Reload() override {
    fprintf(stderr, "reloaded\n");
    kill(getpid(), SIGTERM);
    return reload_;
  }

 private:
  const Status reload_;
};

Program EchoProgram(Status reload = Ok()) {
  Program program;
  program.name = "echo";
  program.component = "echo";
  program.help = "Echoes.";
  program.check = [](const std::string& config) -> StatusOr<std::string> {
    if (config == "good") return std::string("echo one");
    return InvalidArgument("%s: nothing in it", config.c_str());
  };
  program.start = [reload](const std::string&, const Program::Fail&) {
    return StatusOr<std::unique_ptr<Service>>(std::make_unique<Echo>(reload));
  };
  return program;
}

int RunAsMain(const Program& program, std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "echo");
  return RunProgram(static_cast<int>(arguments.size()), arguments.data(), program);
}

using ::testing::ExitedWithCode;

TEST(ProgramTest, ReloadsAtSighupAndEndsAtSigterm) {
  EXPECT_EXIT(exit(RunAsMain(EchoProgram(), {"--config", "good"})), ExitedWithCode(0),
              "reloaded\n(.|\n)*ended in order");
}

TEST(ProgramTest, AReloadThatFailsDoesNotEndIt) {
  EXPECT_EXIT(exit(RunAsMain(EchoProgram(NotFound("no such key")), {"--config", "good"})),
              ExitedWithCode(0), "no such key(.|\n)*ended in order");
}

TEST(ProgramTest, AServiceThatCannotGoOnEndsItWithItsReason) {
  Program program = EchoProgram();
  program.start = [](const std::string&, const Program::Fail& fail) {
    struct Quiet final : Service {
      Status Reload() override { return Ok(); }
    };
    fail(Unavailable("the disk is gone"));
    return StatusOr<std::unique_ptr<Service>>(std::make_unique<Quiet>());
  };
  EXPECT_EXIT(exit(RunAsMain(program, {"--config", "good"})), ExitedWithCode(1),
              "echo: the disk is gone\n");
}

TEST(ProgramTest, AServiceThatDoesNotStartIsAFailure) {
  Program program = EchoProgram();
  program.start = [](const std::string&, const Program::Fail&) {
    return StatusOr<std::unique_ptr<Service>>(NotFound("no store"));
  };
  EXPECT_EXIT(exit(RunAsMain(program, {"--config", "good"})), ExitedWithCode(1),
              "echo: no store\n");
}

TEST(ProgramTest, ChecksAndEnds) {
  EXPECT_EQ(RunAsMain(EchoProgram(), {"--config", "good", "--check"}), 0);
  EXPECT_EQ(RunAsMain(EchoProgram(), {"--config", "bad", "--check"}), 1);
}

TEST(ProgramTest, IsAnotherServiceByAFlag) {
  Program program = EchoProgram();
  program.mode = {"--loud", "echo loudly", "loud",
                  [](const std::string&) -> StatusOr<std::string> { return std::string("LOUD"); },
                  program.start};
  EXPECT_EXIT(exit(RunAsMain(program, {"--config", "good", "--check"})), ExitedWithCode(0), "");
  program.check = program.mode->check;
  program.mode->check = [](const std::string&) -> StatusOr<std::string> {
    return NotFound("no loud settings");
  };
  EXPECT_EXIT(exit(RunAsMain(program, {"--loud", "--config", "good", "--check"})),
              ExitedWithCode(1), "no loud settings");
}

TEST(ProgramTest, AWrongLineHasAStatusOfItsOwn) {
  EXPECT_EQ(RunAsMain(EchoProgram(), {"--confg", "good"}), kExitWrongLine);
  EXPECT_EQ(RunAsMain(EchoProgram(), {}), kExitWrongLine);
  EXPECT_EQ(RunAsMain(EchoProgram(), {"--help"}), 0);
  EXPECT_EQ(RunAsMain(EchoProgram(), {"--version"}), 0);
}

TEST(ProgramTest, DoesAJobInsteadOfRunning) {
  Program program = EchoProgram();
  program.jobs.push_back(
      {"--twice", "WORD", "says it twice", [](const std::string& config, const std::string& word) {
         fprintf(stderr, "%s: %s %s\n", config.c_str(), word.c_str(), word.c_str());
         if (word == "bad") return StatusOr<std::string>(NotFound("no echo"));
         return StatusOr<std::string>("said");
       }});
  EXPECT_EXIT(exit(RunAsMain(program, {"--config", "good", "--twice", "hey"})), ExitedWithCode(0),
              "good: hey hey");
  EXPECT_EXIT(exit(RunAsMain(program, {"--config", "good", "--twice", "bad"})), ExitedWithCode(1),
              "echo: no echo");
  EXPECT_EXIT(exit(RunAsMain(program, {"--config", "good", "--check", "--twice", "hey"})),
              ExitedWithCode(2), "");
}

}  // namespace
}  // namespace strata

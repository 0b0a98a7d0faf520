#include "cli/command_line.h"

#include <stdlib.h>

#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "cli/fake_manager.h"
#include "common/file.h"
#include "common/tls/test_authority.h"
#include "gtest/gtest.h"

namespace strata::cli {
namespace {

std::string NewFolder() {
  std::string path = testing::TempDir() + "/cli-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() : folder_(NewFolder()), authority_(folder_) {
    manager_ =
        std::make_unique<FakeManager>(authority_.Issue("strata://cdn-one/lan-a/manager/sm-1"));
    BecomeWith(authority_.Issue("strata://cdn-one/lan-a/operator/ann"));
  }

  // Settings with this certificate; files are named from the folder of the settings.
  void BecomeWith(const tls::TlsPaths& paths) {
    tls::WriteTestFile(folder_ + "/cli.yaml",
                       "manager: \"" + manager_->address() + "\"\nca: ca.pem\ncertificate: " +
                           paths.certificate + "\nkey: " + paths.key + "\nrevocations: crl.pem\n",
                       0644);
  }

  // Runs `strata ARGUMENTS` and keeps what it wrote.
  ExitCode Run(const std::vector<std::string>& arguments) {
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

  bool Says(const std::string& part) const { return out_.find(part) != std::string::npos; }
  bool Complains(const std::string& part) const { return err_.find(part) != std::string::npos; }

  const std::string folder_;
  tls::TestAuthority authority_;
  std::unique_ptr<FakeManager> manager_;
  std::map<std::string, std::string> environment_ = {{"STRATA_CONFIG", folder_ + "/cli.yaml"}};
  int frames_ = 0;
  bool colours_ = false;
  std::string out_;
  std::string err_;
};

TEST_F(CommandLineTest, ShowsTheFarm) {
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kOk) << err_;
  EXPECT_EQ(err_, "");
  EXPECT_EQ(
      out_,
      "cdn-one/lan-a  manager sm-1, 3 engines, 240,100 contents, view 7, commit 1,234,567\n"
      "\n"
      "ENGINE   STATUS    LOAD         OUT          IN   CPU   MEM  DISK  REQUESTS   COPIES    "
      "BYTES  REPORT\n"
      "north-1  up        12 %  118 Mbit/s  2.3 Mbit/s   7 %  21 %  42 %     1,312  120,332  "
      "211 GiB   0.4 s\n"
      "south-1  degraded  86 %  970 Mbit/s  2.3 Mbit/s  83 %  21 %  42 %     1,312  120,332  "
      "211 GiB   0.4 s\n"
      "west-1   down         -           -           -     -     -     -         -  120,332  "
      "211 GiB   5 min\n"
      "\n"
      "south-1: disk sdb: 12 errors in the last minute; nginx_connections 91 %\n"
      "west-1: left the group\n");
}

TEST_F(CommandLineTest, ListsManagersAndLetsAnotherLead) {
  EXPECT_EQ(Run({"manager", "list"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("sm-2     backup")) << out_;
  EXPECT_TRUE(Says("sm-3     away    192.0.2.3:7400")) << out_;
  EXPECT_TRUE(
      Says("does not know what is ordered meanwhile\n\n"
           "sm-1 leads the farm; 1 can take over.\n"))
      << out_;
  EXPECT_EQ(Run({"manager", "promote", "sm-2"}), ExitCode::kOk) << err_;
  EXPECT_EQ(out_, "sm-2 leads the farm.\n");
  EXPECT_EQ(Run({"manager", "promote", "sm-1"}), ExitCode::kFailed);
  EXPECT_TRUE(Complains("this manager is not in step"));
  EXPECT_EQ(Run({"manager", "promote", "sm2"}), ExitCode::kFailed);
  EXPECT_TRUE(Complains("there is no manager sm2; did you mean \"sm-2\"?")) << err_;
}

TEST_F(CommandLineTest, ForgetsAManagerThatIsGone) {
  EXPECT_EQ(Run({"manager", "remove", "sm-3"}), ExitCode::kOk) << err_;
  EXPECT_EQ(out_, "sm-3 is forgotten.\n");
  EXPECT_EQ(Run({"manager", "remove", "sm-2"}), ExitCode::kFailed);
  EXPECT_TRUE(Complains("stop it first"));
}

TEST_F(CommandLineTest, ColoursAreForTerminals) {
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kOk);
  EXPECT_FALSE(Says("\x1b["));
  colours_ = true;
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kOk);
  EXPECT_TRUE(Says("\x1b[32mup\x1b[0m"));
  EXPECT_TRUE(Says("\x1b[33mdegraded\x1b[0m"));
  EXPECT_TRUE(Says("\x1b[31mdown\x1b[0m"));
}

TEST_F(CommandLineTest, SaysThatThereIsNoQuorum) {
  manager_->LoseQuorum();
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kOk);
  EXPECT_TRUE(Says("\nNo quorum: nothing commits, the farm only reads.\n"));
}

TEST_F(CommandLineTest, WatchesUntilItIsTold) {
  frames_ = 3;
  EXPECT_EQ(Run({"farm", "show", "--watch"}), ExitCode::kOk);
  EXPECT_EQ(frames_, 0);
  size_t shown = 0;
  for (size_t at = 0; (at = out_.find("ENGINE ", at)) != std::string::npos; ++at) ++shown;
  EXPECT_EQ(shown, 3u);
}

TEST_F(CommandLineTest, WatchesInPlaceOnATerminal) {
  colours_ = true;
  frames_ = 2;
  EXPECT_EQ(Run({"farm", "show", "--watch"}), ExitCode::kOk);
  EXPECT_EQ(out_.find("\x1b[2J\x1b[H"), 0u);
  EXPECT_EQ(out_.rfind("\x1b[2J"), 0u);
  EXPECT_TRUE(out_.ends_with("\x1b[J"));
}

TEST_F(CommandLineTest, AVerificationThatIsUnequalIsNotComplete) {
  EXPECT_EQ(Run({"farm", "verify"}), ExitCode::kNotComplete);
  EXPECT_TRUE(Says("west-1   no answer"));
  EXPECT_TRUE(Says("Not all members hold the same table."));
  manager_->HealEngines();
  EXPECT_EQ(Run({"farm", "verify"}), ExitCode::kOk);
  EXPECT_TRUE(Says("All members hold the same table."));
}

TEST_F(CommandLineTest, LocatesContent) {
  EXPECT_EQ(Run({"locate", "http://films.example/a.mp4"}), ExitCode::kOk);
  EXPECT_TRUE(Says("site films, key 00112233445566778899aabbccddeeff"));
  EXPECT_TRUE(Says("not whole yet"));
  EXPECT_TRUE(Says("in this order: north-1, south-1"));
  EXPECT_EQ(Run({"locate", "http://films.example/absent"}), ExitCode::kOk);
  EXPECT_TRUE(Says("No engine holds it.\n"));
  EXPECT_EQ(Run({"locate", "http://other.example/a"}), ExitCode::kFailed);
  EXPECT_EQ(err_, "strata: no site has the host of http://other.example/a\n");
}

TEST_F(CommandLineTest, ListsContent) {
  EXPECT_EQ(Run({"content", "list", "--site", "films"}), ExitCode::kOk);
  EXPECT_TRUE(Says("700 MiB       1  north-1           http://films.example/season-1/1.mp4"));
  EXPECT_EQ(Run({"content", "list", "--site", "film"}), ExitCode::kFailed);
  EXPECT_EQ(err_, "strata: no site \"film\"; did you mean \"films\"?\n");
}

TEST_F(CommandLineTest, APurgeThatSomebodyDidNotConfirmIsNotComplete) {
  EXPECT_EQ(Run({"content", "purge", "http://films.example/a.mp4"}), ExitCode::kNotComplete);
  EXPECT_TRUE(Says("west-1   no                  away: purges before it serves"));
  EXPECT_TRUE(Says("Not confirmed by every engine"));
  manager_->HealEngines();
  EXPECT_EQ(Run({"content", "purge", "http://films.example/a.mp4"}), ExitCode::kOk);
  EXPECT_TRUE(Says("Purged at every engine that is there."));
}

TEST_F(CommandLineTest, ManyUrisGoInSeveralRequests) {
  manager_->HealEngines();
  std::vector<std::string> arguments = {"content", "purge", "--json"};
  for (int i = 0; i < 1001; ++i) arguments.push_back("http://films.example/" + std::to_string(i));
  EXPECT_EQ(Run(arguments), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("http://films.example/0\""));
  EXPECT_TRUE(Says("http://films.example/1000\""));
}

TEST_F(CommandLineTest, DrainsAndRemovesEngines) {
  EXPECT_EQ(Run({"engine", "list"}), ExitCode::kOk);
  EXPECT_TRUE(Says("north-1  11  up        192.0.2.11:80"));
  EXPECT_EQ(Run({"engine", "drain", "north-1"}), ExitCode::kOk);
  EXPECT_TRUE(Says("north-1 is draining"));
  EXPECT_EQ(Run({"engine", "undrain", "north-1"}), ExitCode::kOk);
  EXPECT_EQ(Run({"engine", "remove", "north1"}), ExitCode::kFailed);
  EXPECT_EQ(err_, "strata: no engine \"north1\"; did you mean \"north-1\"?\n");
}

TEST_F(CommandLineTest, WaitsUntilAnEngineMayBeSwitchedOff) {
  frames_ = 100;
  EXPECT_EQ(Run({"engine", "drain", "north-1", "--wait"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("north-1: 3 contents, 12 MiB to copy; 42 requests run\n")) << out_;
  EXPECT_TRUE(Says("north-1: 2 contents, 8.0 MiB to copy; 42 requests run\n")) << out_;
  EXPECT_TRUE(Says("north-1 is drained: it is safe to switch off.\n")) << out_;
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kOk);
  EXPECT_TRUE(Says("drained: it is safe to switch off"));
}

TEST_F(CommandLineTest, SaysWhyAnEngineMayNotBeSwitchedOff) {
  frames_ = 100;
  EXPECT_EQ(Run({"engine", "drain", "south-1", "--wait"}), ExitCode::kNotComplete);
  EXPECT_TRUE(
      Says("NOT safe to switch off south-1: 1 content, 4.0 MiB to copy, 1 cannot be copied"))
      << out_;
  EXPECT_TRUE(Says("  http://films.example/a.mp4: no engine has room for it\n")) << out_;
  EXPECT_EQ(Run({"--json", "engine", "drain", "south-1", "--within", "1s"}),
            ExitCode::kNotComplete);
  EXPECT_TRUE(Says("\"contents_left\": \"1\"")) << out_;
  EXPECT_EQ(Run({"engine", "drain", "south-1", "--within", "soon"}), ExitCode::kFailed);
  EXPECT_TRUE(Complains("--within: soon is no time to wait"));
}

TEST_F(CommandLineTest, WaitsForRequestsOnlyIfAnOperatorInsists) {
  frames_ = 100;
  EXPECT_EQ(Run({"engine", "drain", "south-1", "--without-copying"}), ExitCode::kOk) << out_;
  EXPECT_TRUE(
      Says("south-1 serves nobody. 1 content that only it has is missing until it "
           "returns.\n"))
      << out_;
}

TEST_F(CommandLineTest, AppliesSites) {
  const std::string file = folder_ + "/films.yaml";
  tls::WriteTestFile(file, "name: films\n", 0644);
  EXPECT_EQ(Run({"site", "diff", "-f", file}), ExitCode::kOk);
  EXPECT_TRUE(Says("Site films, version 3, would change:\n  ttl: 5min, was 10min\n"));
  EXPECT_EQ(Run({"site", "apply", "-f", file}), ExitCode::kOk);
  EXPECT_TRUE(Says("Site films is at version 4 now:\n"));
  EXPECT_TRUE(Says("to take it when they return: west-1"));
  tls::WriteTestFile(file, "hosts: []\n", 0644);
  EXPECT_EQ(Run({"site", "apply", "-f", file}), ExitCode::kFailed);
  EXPECT_EQ(err_,
            "strata: " + file + ":1:1: name: is missing\n" + file + ":1:1: hosts: at least one\n");
  EXPECT_EQ(Run({"site", "apply", "-f", "/nowhere.yaml"}), ExitCode::kFailed);
  EXPECT_EQ(err_, "strata: /nowhere.yaml: No such file or directory\n");
}

TEST_F(CommandLineTest, ShowsAndRollsBackSites) {
  EXPECT_EQ(Run({"site", "list"}), ExitCode::kOk);
  EXPECT_TRUE(Says("films        3  redirect        2  2027-01-15 08:00:00  operator ann"));
  EXPECT_EQ(Run({"site", "show", "films"}), ExitCode::kOk);
  EXPECT_EQ(out_,
            "# Version 3, applied 2027-01-15 08:00:00 UTC by operator ann\n"
            "# Kept: version 2 of 2027-01-15 08:00:00 UTC by operator ann\n"
            "name: films\nhosts: [films.example, www.films.example]\n");
  EXPECT_EQ(Run({"site", "rollback", "films", "--to", "2"}), ExitCode::kOk);
  EXPECT_EQ(Run({"site", "remove", "filns"}), ExitCode::kFailed);
  EXPECT_TRUE(Complains("did you mean \"films\"?"));
}

TEST_F(CommandLineTest, ShowsEventsAndRecords) {
  EXPECT_EQ(Run({"events", "--recent", "2"}), ExitCode::kOk);
  EXPECT_EQ(out_,
            "2027-01-15 08:00:00  engine  south-1 is degraded: disk sdb: 12 errors in the last "
            "minute\n"
            "2027-01-15 08:00:00  purge   films 41: 1 URI, confirmed by 3 engines\n");
  EXPECT_EQ(Run({"events", "--follow"}), ExitCode::kUnreachable);
  EXPECT_TRUE(Says("the manager stops"));
  EXPECT_EQ(Run({"audit"}), ExitCode::kOk);
  EXPECT_TRUE(Says("viewer bob    192.0.2.77  PurgeContent http://films.example/a.mp4"));
}

TEST_F(CommandLineTest, WritesAndChecksBackups) {
  manager_->HealEngines();
  for (const std::string name : {"/b", "/b.tar", "/b.tgz"}) {
    const std::string path = folder_ + name;
    EXPECT_EQ(Run({"backup", "create", "--to", path}), ExitCode::kOk) << err_;
    EXPECT_TRUE(Says("1 site, 0 engines")) << out_;
    EXPECT_EQ(Run({"backup", "create", "--to", path}), ExitCode::kFailed);
    EXPECT_TRUE(Complains("is there already")) << err_;
    EXPECT_EQ(Run({"backup", "verify", path}), ExitCode::kOk) << err_;
    EXPECT_TRUE(Says("whole") && Says("cdn-one/lan-a")) << out_;
    EXPECT_EQ(Run({"backup", "verify", path, "--json"}), ExitCode::kOk) << err_;
    EXPECT_TRUE(Says("\"purged_up_to\": \"41\"")) << out_;
  }
  EXPECT_EQ(Run({"backup", "verify", folder_ + "/cli.yaml"}), ExitCode::kFailed);
  EXPECT_TRUE(Complains("cli.yaml: no whole tar")) << err_;
}

TEST_F(CommandLineTest, ABackupThatDidNotEndIsNone) {
  EXPECT_EQ(Run({"backup", "create", "--to", folder_ + "/b"}), ExitCode::kFailed);
  EXPECT_TRUE(Complains("did not send all")) << err_;
  EXPECT_EQ(Run({"backup", "verify", folder_ + "/b"}), ExitCode::kFailed);
}

TEST_F(CommandLineTest, AManagersProgramRestoresABackup) {
  const auto restore = [this](const std::string& program) {
    return Run({"backup", "restore", "some.tar", "--config", "sm.yaml", "--program", program});
  };
  EXPECT_EQ(restore("/bin/true"), ExitCode::kOk) << err_;
  EXPECT_EQ(restore("/bin/false"), ExitCode::kFailed) << err_;
  EXPECT_EQ(restore("/no/such/program"), ExitCode::kFailed);
  EXPECT_TRUE(Complains("/no/such/program cannot be started")) << err_;
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

TEST_F(CommandLineTest, AViewerMayOnlyLook) {
  BecomeWith(authority_.Issue("strata://cdn-one/lan-a/viewer/bob"));
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kOk);
  EXPECT_EQ(Run({"engine", "drain", "north-1"}), ExitCode::kRefused);
  EXPECT_EQ(err_,
            "strata: viewer bob of cdn-one/lan-a may only look; this needs the role operator\n");
}

TEST_F(CommandLineTest, ARevokedOperatorIsRefused) {
  const tls::TlsPaths eve = authority_.Issue("strata://cdn-one/lan-a/operator/eve");
  BecomeWith(eve);
  tls::WriteTestFile(folder_ + "/old.pem", *ReadFile(folder_ + "/crl.pem", 1 << 20), 0644);
  authority_.Revoke(eve);
  ASSERT_TRUE(manager_->store().Reload().ok());
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kUsage);
  EXPECT_TRUE(Complains("the certificate of operator eve of cdn-one/lan-a is revoked"));
  // She hides the list from her own command: the manager knows.
  tls::WriteTestFile(folder_ + "/crl.pem", *ReadFile(folder_ + "/old.pem", 1 << 20), 0644);
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kRefused);
  EXPECT_TRUE(Complains("the certificate of operator eve of cdn-one/lan-a is revoked"));
}

TEST_F(CommandLineTest, SaysThatNothingListens) {
  const std::string address = manager_->address();
  manager_.reset();
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kUnreachable);
  EXPECT_EQ(err_, "strata: nothing listens at " + address +
                      ": is the manager running, and is this its address?\n");
}

TEST_F(CommandLineTest, DoesNotWaitForEver) {
  manager_->Freeze();
  EXPECT_EQ(Run({"farm", "show", "--timeout", "200ms"}), ExitCode::kUnreachable);
  EXPECT_TRUE(Complains("did not answer within 200ms"));
}

TEST_F(CommandLineTest, SaysThatTheManagerIsOfAnotherAuthority) {
  const tls::TestAuthority other(NewFolder());
  tls::WriteTestFile(folder_ + "/ca.pem", other.pem().certificate_pem, 0644);
  tls::TestAuthority third(NewFolder());
  const tls::TlsPaths paths = third.Issue("strata://cdn-one/lan-a/operator/ann");
  tls::WriteTestFile(folder_ + "/cli.yaml",
                     "ca: " + paths.authority + "\ncertificate: " + paths.certificate +
                         "\nkey: " + paths.key + "\n",
                     0644);
  EXPECT_EQ(Run({"farm", "show", "--manager", manager_->address()}), ExitCode::kRefused);
  EXPECT_EQ(err_, "strata: the certificate of " + manager_->address() +
                      " does not come from the authority in " + paths.authority +
                      ": is that the authority of this manager?\n");
}

TEST_F(CommandLineTest, TalksToManagersOnly) {
  manager_ = std::make_unique<FakeManager>(authority_.Issue("strata://cdn-one/lan-a/engine/e-1"));
  EXPECT_EQ(Run({"farm", "show", "--manager", manager_->address()}), ExitCode::kRefused);
  EXPECT_EQ(err_, "strata: what answers at " + manager_->address() +
                      " is no manager to be trusted: the certificate is that of engine e-1 of "
                      "cdn-one/lan-a, not of a manager\n");
}

TEST_F(CommandLineTest, AsksTheNextManagerWhereOneCannotAnswer) {
  FakeManager follower(authority_.Issue("strata://cdn-one/lan-a/manager/sm-2"));
  follower.Follow("sm-1");
  const std::string both = follower.address() + "," + manager_->address();
  EXPECT_EQ(Run({"--manager", both, "farm", "show"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("manager sm-1"));
  EXPECT_EQ(Run({"--manager", "127.0.0.1:1", "--manager", manager_->address(), "site", "list"}),
            ExitCode::kOk)
      << err_;
  EXPECT_EQ(Run({"--manager", both, "content", "list"}), ExitCode::kOk) << err_;
  EXPECT_EQ(Run({"--manager", both, "engine", "drain", "north-1"}), ExitCode::kOk) << err_;
}

TEST_F(CommandLineTest, NamesEachManagerThatWasAsked) {
  FakeManager follower(authority_.Issue("strata://cdn-one/lan-a/manager/sm-2"));
  follower.Follow("sm-1");
  EXPECT_EQ(Run({"--manager", "127.0.0.1:1," + follower.address(), "farm", "show"}),
            ExitCode::kUnreachable);
  EXPECT_EQ(err_,
            "strata: none of the managers can answer\n127.0.0.1:1: nothing listens at 127.0.0.1:1: "
            "is the manager running, and is this its address?\n" +
                follower.address() + ": sm-1 leads the farm\n");
}

TEST_F(CommandLineTest, SaysWhatTheSettingsLack) {
  EXPECT_EQ(Run({"farm", "show", "--manager", "somewhere"}), ExitCode::kUsage);
  EXPECT_TRUE(Complains("\"somewhere\" is no address of a manager: HOST:PORT is"));
  EXPECT_EQ(Run({"farm", "show", "--timeout", "soon"}), ExitCode::kUsage);
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

TEST_F(CommandLineTest, MakesCertificatesThatItCanUse) {
  const std::string pki = NewFolder() + "/pki";
  ASSERT_EQ(Run({"pki", "init", "--dir", pki, "--scope", "cdn-one"}), ExitCode::kOk) << err_;
  ASSERT_EQ(Run({"pki", "issue", "--dir", pki, "--role", "manager", "--name", "sm", "--out",
                 pki + "/sm"}),
            ExitCode::kOk)
      << err_;
  ASSERT_EQ(Run({"pki", "issue", "--dir", pki, "--role", "operator", "--name", "ann", "--scope",
                 "cdn-one/lan-a", "--out", pki + "/ann"}),
            ExitCode::kOk)
      << err_;
  FakeManager manager({.authority = pki + "/sm/ca.pem",
                       .certificate = pki + "/sm/certificate.pem",
                       .key = pki + "/sm/key.pem",
                       .revocations = pki + "/crl.pem"});
  tls::WriteTestFile(pki + "/ann/cli.yaml",
                     "manager: \"" + manager.address() +
                         "\"\nca: ca.pem\ncertificate: certificate.pem\nkey: key.pem\n",
                     0644);
  EXPECT_EQ(Run({"farm", "show", "--config", pki + "/ann/cli.yaml"}), ExitCode::kOk) << err_;

  EXPECT_EQ(Run({"pki", "renew", "--dir", pki, "ann", "--out", pki + "/ann"}), ExitCode::kOk);
  EXPECT_EQ(Run({"farm", "show", "--config", pki + "/ann/cli.yaml"}), ExitCode::kOk) << err_;
  EXPECT_EQ(Run({"pki", "revoke", "--dir", pki, "ann"}), ExitCode::kOk);
  ASSERT_TRUE(manager.store().Reload().ok());
  EXPECT_EQ(Run({"farm", "show", "--config", pki + "/ann/cli.yaml"}), ExitCode::kRefused);
  EXPECT_EQ(Run({"pki", "list", "--dir", pki}), ExitCode::kOk);
  EXPECT_TRUE(Says("ann   operator  cdn-one/lan-a  revoked"));
}

TEST_F(CommandLineTest, RefusesWhatCannotBeIssued) {
  const std::string pki = NewFolder();
  ASSERT_EQ(Run({"pki", "init", "--dir", pki, "--scope", "cdn-one"}), ExitCode::kOk) << err_;
  EXPECT_EQ(Run({"pki", "init", "--dir", pki, "--scope", "cdn-one"}), ExitCode::kFailed);
  EXPECT_EQ(Run({"pki", "issue", "--dir", pki, "--role", "king", "--name", "a"}),
            ExitCode::kFailed);
  EXPECT_TRUE(
      Complains("\"king\" is no role; roles are manager, engine, operator, viewer and witness"));
  EXPECT_EQ(Run({"pki", "issue", "--dir", pki, "--role", "engine", "--name", "A"}),
            ExitCode::kFailed);
  EXPECT_EQ(Run({"pki", "issue", "--dir", pki, "--role", "engine", "--name", "a", "--days", "0"}),
            ExitCode::kUsage);
  EXPECT_EQ(Run({"pki", "revoke", "--dir", pki, "a"}), ExitCode::kFailed);
  EXPECT_EQ(err_, "strata: no certificate was issued for \"a\"\n");
}

TEST_F(CommandLineTest, ExaminesTheMachine) {
  EXPECT_EQ(Run({"doctor", folder_ + "/cli.yaml"}), ExitCode::kOk) << out_ << err_;
  EXPECT_TRUE(Says("cli.yaml, settings of the command strata\n"));
  EXPECT_TRUE(Says("is sm-1 of cdn-one/lan-a, with 3 engines"));
  EXPECT_EQ(Run({"--config", folder_ + "/cli.yaml", "doctor", "--json"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("\"area\":\"managers\",\"level\":\"ok\""));
  EXPECT_EQ(Run({"doctor", "/nowhere.yaml"}), ExitCode::kUsage);
  EXPECT_EQ(err_, "strata: /nowhere.yaml: No such file or directory\n");
}

TEST_F(CommandLineTest, WritesADebugBundle) {
  const std::string file = folder_ + "/bundle.tar.gz";
  EXPECT_EQ(Run({"debug", "bundle", "--out", file, folder_ + "/cli.yaml"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("Wrote " + file));
  EXPECT_TRUE(ReadFile(file, 64 << 20).ok());
}

TEST_F(CommandLineTest, CompletesInEveryShell) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(Run({"completion", shell}), ExitCode::kOk);
    EXPECT_TRUE(Says("rollback")) << shell;
  }
}

}  // namespace
}  // namespace strata::cli

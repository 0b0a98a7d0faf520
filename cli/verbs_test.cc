#include "cli/verbs.h"

#include <string>
#include <vector>

#include "cli/command_line_case.h"
#include "cli/fake_manager.h"
#include "common/file.h"
#include "common/tls/test_authority.h"
#include "gtest/gtest.h"

// What each verb does with a manager, and says.
namespace strata::cli {
namespace {

using VerbsTest = CommandLineCase;

TEST_F(VerbsTest, ShowsTheFarm) {
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

TEST_F(VerbsTest, ListsManagersAndLetsAnotherLead) {
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

TEST_F(VerbsTest, ForgetsAManagerThatIsGone) {
  EXPECT_EQ(Run({"manager", "remove", "sm-3"}), ExitCode::kOk) << err_;
  EXPECT_EQ(out_, "sm-3 is forgotten.\n");
  EXPECT_EQ(Run({"manager", "remove", "sm-2"}), ExitCode::kFailed);
  EXPECT_TRUE(Complains("stop it first"));
}

TEST_F(VerbsTest, SaysThatThereIsNoQuorum) {
  manager_->LoseQuorum();
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kOk);
  EXPECT_TRUE(Says("\nNo quorum: nothing commits, the farm only reads.\n"));
}

TEST_F(VerbsTest, WatchesUntilItIsTold) {
  frames_ = 3;
  EXPECT_EQ(Run({"farm", "show", "--watch"}), ExitCode::kOk);
  EXPECT_EQ(frames_, 0);
  size_t shown = 0;
  for (size_t at = 0; (at = out_.find("ENGINE ", at)) != std::string::npos; ++at) ++shown;
  EXPECT_EQ(shown, 3u);
}

TEST_F(VerbsTest, WatchesInPlaceOnATerminal) {
  colours_ = true;
  frames_ = 2;
  EXPECT_EQ(Run({"farm", "show", "--watch"}), ExitCode::kOk);
  EXPECT_EQ(out_.find("\x1b[2J\x1b[H"), 0u);
  EXPECT_EQ(out_.rfind("\x1b[2J"), 0u);
  EXPECT_TRUE(out_.ends_with("\x1b[J"));
}

TEST_F(VerbsTest, AVerificationThatIsUnequalIsNotComplete) {
  EXPECT_EQ(Run({"farm", "verify"}), ExitCode::kNotComplete);
  EXPECT_TRUE(Says("west-1   no answer"));
  EXPECT_TRUE(Says("Not all members hold the same table."));
  manager_->HealEngines();
  EXPECT_EQ(Run({"farm", "verify"}), ExitCode::kOk);
  EXPECT_TRUE(Says("All members hold the same table."));
}

TEST_F(VerbsTest, LocatesContent) {
  EXPECT_EQ(Run({"locate", "http://films.example/a.mp4"}), ExitCode::kOk);
  EXPECT_TRUE(Says("site films, key 00112233445566778899aabbccddeeff"));
  EXPECT_TRUE(Says("not whole yet"));
  EXPECT_TRUE(Says("in this order: north-1, south-1"));
  EXPECT_EQ(Run({"locate", "http://films.example/absent"}), ExitCode::kOk);
  EXPECT_TRUE(Says("No engine holds it.\n"));
  EXPECT_EQ(Run({"locate", "http://other.example/a"}), ExitCode::kFailed);
  EXPECT_EQ(err_, "strata: no site has the host of http://other.example/a\n");
}

TEST_F(VerbsTest, LocatesContentElsewhere) {
  EXPECT_EQ(Run({"locate", "http://films.example/a.mp4"}), ExitCode::kOk);
  EXPECT_FALSE(Says("lsewhere")) << "an older manager knows of nothing else";
  manager_->Federate();
  EXPECT_EQ(Run({"locate", "http://films.example/a.mp4"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(
      Says("in this order: north-1, south-1\n"
           "\n"
           "Elsewhere:\n"
           "SCOPE                 ENGINE  KIND        SIZE  CLIENTS                         "
           "REMARKS\n"
           "cdn-one/dc-two/lan-b  e1      cache    700 MiB  192.0.2.1:80, [2001:db8::1]:80\n"
           "cdn-one/dc-one                                                                  "
           "somewhere in that scope\n"
           "cdn-two/lan-c         e9      library                                           "
           "nobody hears of it at the moment; not whole yet\n"
           "\n"
           "Not complete:\n"
           "  cdn-one/dc-one did not answer in time\n"))
      << out_;
  EXPECT_EQ(Run({"locate", "http://films.example/absent"}), ExitCode::kOk);
  EXPECT_FALSE(Says("lsewhere"));
}

TEST_F(VerbsTest, ShowsTheWayOfAQuestion) {
  manager_->Federate();
  EXPECT_EQ(Run({"locate", "http://films.example/a.mp4", "--trace"}), ExitCode::kNotComplete);
  EXPECT_TRUE(
      Says("http://films.example/a.mp4\n"
           "site films, key 00112233445566778899aabbccddeeff\n"
           "\n"
           "MANAGER               COPIES     TOOK  FOR ITS ASKER\n"
           "cdn-one/lan-a              3    1.5 s\n"
           "└─ cdn-one                 3    1.5 s          1.5 s\n"
           "   ├─ cdn-one/dc-two       1  0.42 ms        1.13 ms\n"
           "   └─ exchange             1    12 ms          31 ms\n"
           "      └─ cdn-two           1  0.38 ms          12 ms\n"
           "\n"
           "SCOPE  "))
      << out_;
  EXPECT_TRUE(Says("\nNot complete:\n  cdn-one/dc-one did not answer in time\n")) << out_;
  EXPECT_EQ(Run({"--json", "locate", "http://films.example/a.mp4", "--trace"}),
            ExitCode::kNotComplete);
  EXPECT_TRUE(Says("\"reason\": \"SILENT\"")) << out_;
  EXPECT_TRUE(Says("\"round_trip_us\": \"1130\"")) << out_;
  EXPECT_EQ(Run({"locate", "--trace", "http://films.example/absent"}), ExitCode::kOk);
  EXPECT_TRUE(Says("\nNobody is known to hold it.\n")) << out_;
}

TEST_F(VerbsTest, ListsContent) {
  EXPECT_EQ(Run({"content", "list", "--site", "films"}), ExitCode::kOk);
  EXPECT_TRUE(Says("700 MiB       1  north-1           http://films.example/season-1/1.mp4"));
  EXPECT_EQ(Run({"content", "list", "--site", "film"}), ExitCode::kFailed);
  EXPECT_EQ(err_, "strata: no site \"film\"; did you mean \"films\"?\n");
}

TEST_F(VerbsTest, APurgeThatSomebodyDidNotConfirmIsNotComplete) {
  EXPECT_EQ(Run({"content", "purge", "http://films.example/a.mp4"}), ExitCode::kNotComplete);
  EXPECT_TRUE(Says("west-1   no                  away: purges before it serves"));
  EXPECT_TRUE(Says("Not confirmed by every engine"));
  manager_->HealEngines();
  EXPECT_EQ(Run({"content", "purge", "http://films.example/a.mp4"}), ExitCode::kOk);
  EXPECT_TRUE(Says("Purged at every engine that is there."));
}

TEST_F(VerbsTest, ManyUrisGoInSeveralRequests) {
  manager_->HealEngines();
  std::vector<std::string> arguments = {"content", "purge", "--json"};
  for (int i = 0; i < 1001; ++i) arguments.push_back("http://films.example/" + std::to_string(i));
  EXPECT_EQ(Run(arguments), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("http://films.example/0\""));
  EXPECT_TRUE(Says("http://films.example/1000\""));
}

TEST_F(VerbsTest, DrainsAndRemovesEngines) {
  EXPECT_EQ(Run({"engine", "list"}), ExitCode::kOk);
  EXPECT_TRUE(Says("north-1  11  up        192.0.2.11:80"));
  EXPECT_EQ(Run({"engine", "drain", "north-1"}), ExitCode::kOk);
  EXPECT_TRUE(Says("north-1 is draining"));
  EXPECT_EQ(Run({"engine", "undrain", "north-1"}), ExitCode::kOk);
  EXPECT_EQ(Run({"engine", "remove", "north1"}), ExitCode::kFailed);
  EXPECT_EQ(err_, "strata: no engine \"north1\"; did you mean \"north-1\"?\n");
}

TEST_F(VerbsTest, WaitsUntilAnEngineMayBeSwitchedOff) {
  frames_ = 100;
  EXPECT_EQ(Run({"engine", "drain", "north-1", "--wait"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("north-1: 3 contents, 12 MiB to copy; 42 requests run\n")) << out_;
  EXPECT_TRUE(Says("north-1: 2 contents, 8.0 MiB to copy; 42 requests run\n")) << out_;
  EXPECT_TRUE(Says("north-1 is drained: it is safe to switch off.\n")) << out_;
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kOk);
  EXPECT_TRUE(Says("drained: it is safe to switch off"));
}

TEST_F(VerbsTest, SaysWhyAnEngineMayNotBeSwitchedOff) {
  frames_ = 100;
  EXPECT_EQ(Run({"engine", "drain", "south-1", "--wait"}), ExitCode::kNotComplete);
  EXPECT_TRUE(
      Says("NOT safe to switch off south-1: 1 content, 4.0 MiB to copy, 1 cannot be copied"))
      << out_;
  EXPECT_TRUE(Says("  http://films.example/a.mp4: no engine has room for it\n")) << out_;
  EXPECT_EQ(Run({"--json", "engine", "drain", "south-1", "--within", "1s"}),
            ExitCode::kNotComplete);
  EXPECT_TRUE(Says("\"contents_left\": \"1\"")) << out_;
  EXPECT_EQ(Run({"engine", "drain", "south-1", "--within", "soon"}), ExitCode::kUsage);
  EXPECT_TRUE(Complains("--within: \"soon\" is not a duration such as 200us, 1.5s or 10min"));
}

TEST_F(VerbsTest, WaitsForRequestsOnlyIfAnOperatorInsists) {
  frames_ = 100;
  EXPECT_EQ(Run({"engine", "drain", "south-1", "--without-copying"}), ExitCode::kOk) << out_;
  EXPECT_TRUE(
      Says("south-1 serves nobody. 1 content that only it has is missing until it "
           "returns.\n"))
      << out_;
}

TEST_F(VerbsTest, AppliesSites) {
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

TEST_F(VerbsTest, ShowsAndRollsBackSites) {
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

TEST_F(VerbsTest, ShowsEventsAndRecords) {
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

TEST_F(VerbsTest, WritesAndChecksBackups) {
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

TEST_F(VerbsTest, ABackupThatDidNotEndIsNone) {
  EXPECT_EQ(Run({"backup", "create", "--to", folder_ + "/b"}), ExitCode::kFailed);
  EXPECT_TRUE(Complains("did not send all")) << err_;
  EXPECT_EQ(Run({"backup", "verify", folder_ + "/b"}), ExitCode::kFailed);
}

TEST_F(VerbsTest, AManagersProgramRestoresABackup) {
  const auto restore = [this](const std::string& program) {
    return Run({"backup", "restore", "some.tar", "--config", "sm.yaml", "--program", program});
  };
  EXPECT_EQ(restore("/bin/true"), ExitCode::kOk) << err_;
  EXPECT_EQ(restore("/bin/false"), ExitCode::kFailed) << err_;
  EXPECT_EQ(restore("/no/such/program"), ExitCode::kFailed);
  EXPECT_TRUE(Complains("/no/such/program cannot be started")) << err_;
}

TEST_F(VerbsTest, MakesCertificatesThatItCanUse) {
  const std::string pki = NewTestFolder() + "/pki";
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

TEST_F(VerbsTest, RefusesWhatCannotBeIssued) {
  const std::string pki = NewTestFolder();
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

TEST_F(VerbsTest, ExaminesTheMachine) {
  EXPECT_EQ(Run({"doctor", folder_ + "/cli.yaml"}), ExitCode::kOk) << out_ << err_;
  EXPECT_TRUE(Says("cli.yaml, settings of the command strata\n"));
  EXPECT_TRUE(Says("is sm-1 of cdn-one/lan-a, with 3 engines"));
  EXPECT_EQ(Run({"--config", folder_ + "/cli.yaml", "doctor", "--json"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("\"area\":\"managers\",\"level\":\"ok\""));
  EXPECT_EQ(Run({"doctor", "/nowhere.yaml"}), ExitCode::kUsage);
  EXPECT_EQ(err_, "strata: /nowhere.yaml: No such file or directory\n");
}

TEST_F(VerbsTest, WritesADebugBundle) {
  const std::string file = folder_ + "/bundle.tar.gz";
  EXPECT_EQ(Run({"debug", "bundle", "--out", file, folder_ + "/cli.yaml"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("Wrote " + file));
  EXPECT_TRUE(ReadFile(file, 64 << 20).ok());
}

// ---- Sites and purges in the tree.

TEST_F(VerbsTest, SaysWhoHasWhichVersionOfASite) {
  EXPECT_EQ(Run({"site", "status", "films"}), ExitCode::kNotComplete) << err_;
  EXPECT_EQ(
      out_,
      "Site films of exchange: version 3, purge log at 12\n"
      "\n"
      "SCOPE          VERSION  SERVING  LOG  PURGED  REMARKS\n"
      "exchange             3            12\n"
      "cdn-one/lan-a        3   2 of 2   12  2 of 2\n"
      "cdn-one/lan-b        3   1 of 2   12  2 of 2\n"
      "cdn-one/lan-c        2   2 of 2   12  2 of 2  not in reach; this is what it said last\n"
      "cdn-two              -             -          has not taken it yet\n"
      "\n"
      "cdn-one/lan-b: south-1 serves by version 2, purged up to 12; nginx: unknown directive\n"
      "\n"
      "Not all scopes serve by this version yet.\n");
  EXPECT_EQ(Run({"site", "status", "film"}), ExitCode::kFailed);
  EXPECT_TRUE(Complains("there is no site film; did you mean \"films\"?")) << err_;
}

TEST_F(VerbsTest, ListsPurges) {
  EXPECT_EQ(Run({"purge", "list", "--site", "films"}), ExitCode::kOk) << err_;
  EXPECT_EQ(out_,
            "PURGE     ORDERED (UTC)        CONTENTS         STATE             BY\n"
            "films@12  2027-01-15 08:00:00  1 URI            2 scopes missing  ann\n"
            "films@11  2027-01-15 08:00:00  all of the site  confirmed         ann\n");
  EXPECT_EQ(Run({"--json", "purge", "list"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("\"id\":\"films@12\"")) << out_;
}

TEST_F(VerbsTest, ShowsWhoHasConfirmedAPurge) {
  EXPECT_EQ(Run({"purge", "show", "films@12"}), ExitCode::kNotComplete) << err_;
  EXPECT_EQ(out_,
            "films@12: 1 URI, ordered 2027-01-15 08:00:00 UTC by ann\n"
            "  http://films.example/a.mp4\n"
            "\n"
            "SCOPE          OUTCOME      ENGINES  REMARKS\n"
            "cdn-one/lan-a  confirmed     2 of 2\n"
            "cdn-one/lan-b  failed        1 of 2  south-1: disk full\n"
            "cdn-one/lan-c  unreachable   0 of 2  not in reach: it applies the log before it is "
            "sent clients again\n"
            "\n"
            "Not confirmed by every engine: the others purge before they serve again.\n");
  EXPECT_EQ(Run({"purge", "show", "films@11"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("Confirmed by every engine.")) << out_;
  EXPECT_EQ(Run({"purge", "show", "films@7"}), ExitCode::kFailed);
  EXPECT_TRUE(Complains("there is no purge films@7")) << err_;
}

}  // namespace
}  // namespace strata::cli

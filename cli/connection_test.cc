#include <memory>
#include <string>

#include "cli/command_line_case.h"
#include "cli/fake_manager.h"
#include "common/file.h"
#include "common/tls/test_authority.h"
#include "common/tls/tls_files.h"
#include "gtest/gtest.h"

// Whom the command talks to, and who talks to it.
namespace strata::cli {
namespace {

using ConnectionTest = CommandLineCase;

TEST_F(ConnectionTest, AViewerMayOnlyLook) {
  BecomeWith(authority_.Issue("strata://cdn-one/lan-a/viewer/bob"));
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kOk);
  EXPECT_EQ(Run({"engine", "drain", "north-1"}), ExitCode::kRefused);
  EXPECT_EQ(err_,
            "strata: viewer bob of cdn-one/lan-a may only look; this needs the role operator\n");
}

TEST_F(ConnectionTest, ARevokedOperatorIsRefused) {
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

TEST_F(ConnectionTest, SaysThatNothingListens) {
  const std::string address = manager_->address();
  manager_.reset();
  EXPECT_EQ(Run({"farm", "show"}), ExitCode::kUnreachable);
  EXPECT_EQ(err_, "strata: nothing listens at " + address +
                      ": is the manager running, and is this its address?\n");
}

TEST_F(ConnectionTest, DoesNotWaitForEver) {
  manager_->Freeze();
  EXPECT_EQ(Run({"farm", "show", "--timeout", "200ms"}), ExitCode::kUnreachable);
  EXPECT_TRUE(Complains("did not answer within 200ms"));
}

TEST_F(ConnectionTest, SaysThatTheManagerIsOfAnotherAuthority) {
  const tls::TestAuthority other(NewTestFolder());
  tls::WriteTestFile(folder_ + "/ca.pem", other.pem().certificate_pem, 0644);
  tls::TestAuthority third(NewTestFolder());
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

TEST_F(ConnectionTest, TalksToManagersOnly) {
  manager_ = std::make_unique<FakeManager>(authority_.Issue("strata://cdn-one/lan-a/engine/e-1"));
  EXPECT_EQ(Run({"farm", "show", "--manager", manager_->address()}), ExitCode::kRefused);
  EXPECT_EQ(err_, "strata: what answers at " + manager_->address() +
                      " is no manager to be trusted: the certificate is that of engine e-1 of "
                      "cdn-one/lan-a, not of a manager\n");
}

TEST_F(ConnectionTest, AsksTheNextManagerWhereOneCannotAnswer) {
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

TEST_F(ConnectionTest, NamesEachManagerThatWasAsked) {
  FakeManager follower(authority_.Issue("strata://cdn-one/lan-a/manager/sm-2"));
  follower.Follow("sm-1");
  EXPECT_EQ(Run({"--manager", "127.0.0.1:1," + follower.address(), "farm", "show"}),
            ExitCode::kUnreachable);
  EXPECT_EQ(err_,
            "strata: none of the managers can answer\n127.0.0.1:1: nothing listens at 127.0.0.1:1: "
            "is the manager running, and is this its address?\n" +
                follower.address() + ": sm-1 leads the farm\n");
}

}  // namespace
}  // namespace strata::cli

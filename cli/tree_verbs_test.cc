#include <string>

#include "cli/command_line_case.h"
#include "cli/fake_manager.h"
#include "common/tls/test_authority.h"
#include "gtest/gtest.h"

// The tree and its policies, as people see them.
namespace strata::cli {
namespace {

using TreeVerbsTest = CommandLineCase;

TEST_F(TreeVerbsTest, DrawsTheTree) {
  EXPECT_EQ(Run({"tree"}), ExitCode::kOk) << err_;
  EXPECT_EQ(out_, R"(Above: exchange (level 4).

SCOPE               LEVEL  LEADS   BACKUPS  ENGINES     COPIES  LOAD  WORST  LINK UP     LAG
cdn-one                 3  sm-1          1      9/9  3,600,000  31 %   50 %  up        1,204
├─ east                 2  east-1   0 of 1      6/6  2,400,000  31 %   50 %  up            0
│  ├─ lan-a             1  sm-1          -      2/3  1,200,000  31 %   97 %  down     50,000
│  └─ lan-b             1  sm-1          -      3/3  1,200,000  31 %   50 %  up            0
└─ west                 2  nobody        1      6/6  2,400,000  31 %   50 %  away          0
   └─ hall-2/lan-c      1  nobody        -      3/3  1,200,000     -      -  ?             0

cdn-one/east/lan-a: 12 ranges are to be told anew
cdn-one/east/lan-b: version 0.1.0
cdn-one/west: as of 95 s ago
3 scopes are left out: there are too many.
)");
}

TEST_F(TreeVerbsTest, ColoursWhatIsWrong) {
  colours_ = true;
  EXPECT_EQ(Run({"tree"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("\x1b[31maway\x1b[0m"));
  EXPECT_TRUE(Says("\x1b[31mnobody\x1b[0m"));
  EXPECT_TRUE(Says("\x1b[33m2/3\x1b[0m"));
}

TEST_F(TreeVerbsTest, SaysThatTheParentIsLost) {
  manager_->LoseParent();
  EXPECT_EQ(Run({"tree"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(
      Says("Above: exchange (level 4).\nNot attached to the parent: 192.0.2.9:7400: "
           "failed to connect\n"))
      << out_;
}

TEST_F(TreeVerbsTest, WatchesTheTree) {
  frames_ = 3;
  EXPECT_EQ(Run({"tree", "--watch"}), ExitCode::kOk);
  EXPECT_EQ(frames_, 0);
}

TEST_F(TreeVerbsTest, AnswersProgramsInJson) {
  EXPECT_EQ(Run({"tree", "--json"}), ExitCode::kOk);
  EXPECT_TRUE(Says("\"scope\": \"cdn-one/east/lan-a\"")) << out_;
  EXPECT_TRUE(Says("\"state\": \"MANAGER_LEADS\""));
  EXPECT_EQ(Run({"policy", "test", "http://films.example/a.mp4", "--json"}), ExitCode::kOk);
  EXPECT_TRUE(Says("\"canonical_uri\": \"http://films.example/a.mp4\""));
}

TEST_F(TreeVerbsTest, ShowsThePolicy) {
  EXPECT_EQ(Run({"policy", "show"}), ExitCode::kOk) << err_;
  EXPECT_EQ(out_, R"(cdn-one (level 3) tells exchange (level 4).

  RULE  SITE   PREFIX                     COPIES   FORWARD   HITS
     1  films                             library  scope    1,204
     2         http://news.example/live/           none         0
others                                             full        33

A change waits for others for 10ms at most.
rule 2 meets nothing: no site has the host news.example
)");
  manager_->LoseParent();
  EXPECT_EQ(Run({"policy", "show"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Says("tells exchange (level 4), which is away now.\n")) << out_;
}

TEST_F(TreeVerbsTest, TestsThePolicy) {
  EXPECT_EQ(Run({"policy", "test", "http://films.example/a.mp4"}), ExitCode::kOk) << err_;
  EXPECT_EQ(out_, R"(http://films.example/a.mp4
  library copies  rule 1 (site films, library copies: scope)
  cache copies    no rule: full

of a library copy, exchange (level 4) will know that cdn-one has it: rule 1
of a cache copy, exchange (level 4) will know the engine that has it
)");
  EXPECT_EQ(Run({"policy", "test", "http://other.example/"}), ExitCode::kFailed);
  EXPECT_TRUE(Complains("no site has the host of http://other.example/")) << err_;
  EXPECT_EQ(Run({"policy", "test"}), ExitCode::kUsage);
}

}  // namespace
}  // namespace strata::cli

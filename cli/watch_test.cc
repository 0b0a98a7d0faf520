#include "cli/watch.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace strata::cli {
namespace {

class WatchTest : public ::testing::Test {
 protected:
  ExitCode Run(const std::function<StatusOr<std::string>()>& frame, int frames) {
    terminal_.wait = [&frames] { return --frames > 0; };
    return Watch(terminal_, frame);
  }

  std::ostringstream out_;
  std::ostringstream err_;
  Terminal terminal_{.out = out_, .err = err_};
};

TEST_F(WatchTest, ShowsAFrameBelowTheOther) {
  int shown = 0;
  EXPECT_EQ(Run([&] { return std::to_string(++shown) + "\n"; }, 3), ExitCode::kOk);
  EXPECT_EQ(out_.str(), "1\n\n2\n\n3\n");
}

TEST_F(WatchTest, ShowsNoMoreThanTheTerminalHasRoomFor) {
  terminal_.is_terminal = true;
  terminal_.height = 4;
  EXPECT_EQ(Run([] { return "1\n2\n3\n"; }, 1), ExitCode::kOk);
  EXPECT_EQ(out_.str(), "\x1b[2J\x1b[H1\x1b[K\n2\x1b[K\n3\x1b[K\n\x1b[J") << "and the cursor";
  out_.str("");
  EXPECT_EQ(Run([] { return "1\n2\n3\n4\n5\n"; }, 1), ExitCode::kOk);
  EXPECT_EQ(out_.str(), "\x1b[2J\x1b[H1\x1b[K\n2\x1b[K\n... 3 more lines\x1b[K\n\x1b[J");
}

TEST_F(WatchTest, AnErrorIsTheEndOnlyAtFirst) {
  EXPECT_EQ(Run([]() -> StatusOr<std::string> { return Unavailable("nobody"); }, 3),
            ExitCode::kUnreachable);
  int asked = 0;
  EXPECT_EQ(Run(
                [&]() -> StatusOr<std::string> {
                  if (++asked == 2) return Unavailable("nobody");
                  return "frame\n";
                },
                3),
            ExitCode::kOk);
  EXPECT_EQ(out_.str(), "frame\n\nnobody\nTrying again; Ctrl-C ends.\n\nframe\n");
}

}  // namespace
}  // namespace strata::cli

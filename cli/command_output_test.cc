#include "cli/command_output.h"

#include <gtest/gtest.h>

#include <chrono>

namespace strata::cli {
namespace {

constexpr std::chrono::seconds kLong(20);

TEST(CommandOutputTest, HasBothOutputsAndTheStatus) {
  const auto output = RunCommand({"sh", "-c", "echo one; echo two >&2; exit 3"}, 100, kLong);
  ASSERT_TRUE(output.ok()) << MessageOf(output.status());
  EXPECT_EQ(output->text, "one\ntwo\n");
  EXPECT_EQ(output->status, 3);
  EXPECT_FALSE(output->shortened);
}

TEST(CommandOutputTest, KeepsNoMoreThanItMay) {
  const auto output = RunCommand({"sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x"}, 10, kLong);
  ASSERT_TRUE(output.ok()) << MessageOf(output.status());
  EXPECT_EQ(output->text, "xxxxxxxxxx");
  EXPECT_EQ(output->status, 0);
  EXPECT_TRUE(output->shortened);
}

TEST(CommandOutputTest, DoesNotWaitForEver) {
  const auto begun = std::chrono::steady_clock::now();
  const auto output = RunCommand({"sleep", "1000"}, 10, std::chrono::milliseconds(50));
  EXPECT_EQ(output.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kLong);
}

TEST(CommandOutputTest, NamesAProgramThatIsNotThere) {
  const auto output = RunCommand({"no-such-program"}, 10, kLong);
  EXPECT_EQ(output.status().code(), StatusCode::kNotFound) << MessageOf(output.status());
  EXPECT_EQ(MessageOf(output.status()), "there is no program no-such-program");
}

TEST(CommandOutputTest, GivesItNothingToReadAndNoneOfTheEnvironment) {
  const auto output =
      RunCommand({"sh", "-c", "cat; env | cut -d= -f1 | sort | head -2"}, 100, kLong);
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->text, "LC_ALL\nPATH\n");
}

}  // namespace
}  // namespace strata::cli

#include "service_engine/adapters/nginx/child_process.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <string>

namespace strata::engine {
namespace {

constexpr Duration kPatience = std::chrono::seconds(20);

TEST(ChildProcessTest, AChildInheritsNoFile) {
  constexpr int kFile = 77;
  ASSERT_EQ(dup2(STDERR_FILENO, kFile), kFile);  // As libraries open sockets: without O_CLOEXEC.
  std::string errors;
  const Status gone = RunChild(
      {"/usr/bin/test", "!", "-e", "/proc/self/fd/" + std::to_string(kFile)}, kPatience, errors);
  EXPECT_TRUE(gone.ok()) << MessageOf(gone);
  close(kFile);
}

TEST(ChildProcessTest, WhatAChildSaysAndHowItEnds) {
  std::string errors;
  const Status ended = RunChild({"/bin/sh", "-c", "echo why >&2; exit 3"}, kPatience, errors);
  EXPECT_EQ(ended.code(), StatusCode::kUnavailable);
  EXPECT_NE(MessageOf(ended).find("exit status 3"), std::string::npos) << MessageOf(ended);
  EXPECT_EQ(errors, "why\n");
}

}  // namespace
}  // namespace strata::engine

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "multicast/driver/private_network.h"

namespace strata::multicast {
namespace {

// A member in a process of its own, by its standard input and output.
class Process {
 public:
  explicit Process(const std::string& member) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    EXPECT_EQ(pipe2(in.data(), O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(out.data(), O_CLOEXEC), 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      execl("multicast/example/hello_group", "hello_group", member.c_str(), nullptr);
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    to_ = in[1];
    from_ = out[0];
  }
  ~Process() {
    EXPECT_EQ(End(), 0);
    close(from_);
  }

  void Type(const std::string& line) {
    std::string text = line + "\n";
    EXPECT_EQ(write(to_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  // Reads until `count` lines contain `part`; gives all of these.
  std::vector<std::string> LinesWith(const std::string& part, size_t count) {
    while (Matching(part).size() < count && ReadMore()) {
    }
    return Matching(part);
  }

 private:
  bool ReadMore() {
    pollfd wait = {.fd = from_, .events = POLLIN, .revents = 0};
    if (poll(&wait, 1, 30000) <= 0) return false;
    std::array<char, 4096> buffer;
    ssize_t n = read(from_, buffer.data(), buffer.size());
    if (n > 0) text_.append(buffer.data(), static_cast<size_t>(n));
    return n > 0;
  }
  std::vector<std::string> Matching(const std::string& part) const {
    std::vector<std::string> lines;
    for (size_t at = 0, end = 0; (end = text_.find('\n', at)) != std::string::npos; at = end + 1) {
      std::string line = text_.substr(at, end - at);
      if (line.find(part) != std::string::npos) lines.push_back(line);
    }
    return lines;
  }
  int End() {
    close(to_);  // The program ends with its input.
    int status = 0;
    waitpid(pid_, &status, 0);
    return status;
  }

  pid_t pid_ = 0;
  int to_ = -1;
  int from_ = -1;
  std::string text_;
};

class HelloGroupTest : public testing::Test {
 protected:
  // The program's group has one fixed port.
  void SetUp() override {
    static const bool kPrivate = EnterPrivateNetwork();
    if (!kPrivate) GTEST_SKIP() << "needs a network namespace";
  }
};

TEST_F(HelloGroupTest, ThreeProcessesSeeTheSameLinesInTheSameOrder) {
  std::vector<std::unique_ptr<Process>> members;
  for (const char* id : {"1", "2", "3"}) members.push_back(std::make_unique<Process>(id));
  for (auto& member : members) ASSERT_EQ(member->LinesWith("1 full 2 full 3 full", 1).size(), 1u);
  for (int i = 0; i < 100; ++i) {
    for (auto& member : members) member->Type("line " + std::to_string(i));
  }
  const std::vector<std::string> first = members[0]->LinesWith(": line ", 300);
  ASSERT_EQ(first.size(), 300u);
  for (auto& member : members) EXPECT_EQ(member->LinesWith(": line ", 300), first);
}

std::string ContentOf(const char* path) {
  std::ifstream in(path);
  EXPECT_TRUE(in) << path;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

TEST(HelloGroupReadmeTest, TheReadmeShowsThisProgram) {
  std::string program = ContentOf("multicast/example/hello_group.cc");
  EXPECT_NE(ContentOf("multicast/README.md").find(program), std::string::npos)
      << "multicast/README.md and multicast/example/hello_group.cc have drifted apart";
}

}  // namespace
}  // namespace strata::multicast

// One member of a benchmark group. Its lines are those of tests/bench/peers/line_protocol.h.
//
//   multicast_peer send SIZE COUNT N         COUNT messages to N receivers, as fast as they go
//   multicast_peer recv INDEX SIZE COUNT N   receiver INDEX (from 1); COUNT 0: for ever
//   multicast_peer lsend N COUNT             200 bytes, one after the other
//   multicast_peer lrecv INDEX N COUNT
//   multicast_peer evict N                   200 bytes, one after the other, for ever: V and G
//   lines multicast_peer flood SIZE N SECONDS      as fast as they go: V lines
//
// Flags: --security none|aes; --sm sender: the sender founds and is the SM, else receiver 1;
// --interface NAME, eth0 by default; --no-spin; --counters: the library's, as lines C
// name value.
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/address.h"
#include "common/status.h"
#include "multicast/group.h"
#include "tests/bench/peers/line_protocol.h"

namespace strata::bench {
namespace {

using multicast::DeliverAction;
using multicast::Group;
using multicast::GroupApplication;
using multicast::GroupOptions;
using multicast::MemberId;
using multicast::MemberStatus;
using multicast::SendDoneAction;
using multicast::SendOutcome;
using multicast::SendRefusal;
using multicast::View;
using multicast::ViewChangedAction;

constexpr Duration kPollMax = std::chrono::milliseconds(100);
constexpr int64_t kLingerNs = 120'000'000'000;
constexpr int64_t kNotedGapNs = 5'000'000;

struct Arguments {
  std::vector<std::string> words;
  bool aes = false;
  bool sender_is_sm = false;
  bool spin = true;
  bool counters = false;
  std::string interface = "eth0";

  uint64_t Number(size_t i) const {
    if (i >= words.size()) {
      std::fprintf(stderr, "too few arguments\n");
      std::exit(2);
    }
    return ParseNumber(words[i]);
  }
};

Arguments ParseArguments(int argc, char** argv) {
  Arguments result;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
    if (word == "--security") {
      result.aes = value == "aes";
      ++i;
    } else if (word == "--sm") {
      result.sender_is_sm = value == "sender";
      ++i;
    } else if (word == "--interface") {
      result.interface = value;
      ++i;
    } else if (word == "--no-spin") {
      result.spin = false;
    } else if (word == "--counters") {
      result.counters = true;
    } else {
      result.words.emplace_back(word);
    }
  }
  return result;
}

// Member 0 is the sender, 1 to N are the receivers.
GroupOptions OptionsOf(const Arguments& arguments, uint64_t index) {
  const bool is_sm = index == (arguments.sender_is_sm ? 0 : 1);
  GroupOptions options;
  options.core.group = multicast::GroupId(0xbe4c);
  options.core.found = is_sm;
  options.member = MemberId(static_cast<uint32_t>(index + 1));
  options.role = is_sm ? multicast::Role::kManager : multicast::Role::kEngine;
  options.sockets.interface = arguments.interface;
  options.sockets.group = IpAddress::V4(239, 7, 7, 20);
  options.sockets.port = 5620;
  if (!arguments.spin) options.spin = Duration::zero();
  if (arguments.aes) options.keys.push_back({.id = 1, .bytes = Bytes(32, 0x5a)});
  return options;
}

size_t FullMembers(const View& view) {
  size_t full = 0;
  for (const auto& member : view.members) full += member.status == MemberStatus::kFull ? 1 : 0;
  return full;
}

void PrintCounter(std::string_view name, uint64_t value) {
  if (value == 0) return;
  std::printf("C %.*s %" PRIu64 "\n", static_cast<int>(name.size()), name.data(), value);
  std::fflush(stdout);
}

class Member : public GroupApplication {
 public:
  // Exits when the group cannot be joined.
  Member(const Arguments& arguments, uint64_t index, ReceiverReport report)
      : report_(report), is_sender_(index == 0) {
    auto group = Group::Join(OptionsOf(arguments, index), *this);
    if (!group.ok()) {
      std::fprintf(stderr, "%s\n", group.status().ToString().c_str());
      std::exit(1);
    }
    group_ = *std::move(group);
  }

  void OnDeliver(const DeliverAction& message) override {
    if (!is_sender_) report_.OnMessage(message.message.data(), message.message.size());
  }
  void OnSendDone(const SendDoneAction& done) override {
    ++ended_;
    if (done.outcome != SendOutcome::kCommitted) ++failed_;
    if (noted_gaps_) NoteGap();
  }
  void OnViewChanged(const ViewChangedAction& change) override {
    full_ = FullMembers(change.view);
    if (views_told_) {
      std::printf("V %" PRId64 " %zu\n", NowNs(), full_);
      std::fflush(stdout);
    }
  }

  void TellViews() { views_told_ = true; }
  void NoteGaps() { noted_gaps_ = true; }

  void Poll(Duration max_wait = kPollMax) { group_->Poll(max_wait); }
  void WaitForFull(size_t members) {
    while (full_ < members) Poll();
  }
  // False if there is no room now.
  bool Send(ByteSpan message) {
    const auto result = group_->Send(0, message);
    const auto* refusal = std::get_if<SendRefusal>(&result);
    if (refusal == nullptr) return true;
    if (*refusal == SendRefusal::kQueueFull) return false;
    std::fprintf(stderr, "send refused: %d\n", static_cast<int>(*refusal));
    std::exit(1);
  }
  void WaitForEnds(uint64_t sends) {
    while (ended_ < sends) Poll();
  }
  // A member that leaves at once takes from the others what they still need of it.
  void Linger() {
    const int64_t until = NowNs() + kLingerNs;
    while (NowNs() < until) Poll();
  }

  void PrintCounters() {
    const multicast::GroupCounters counters = group_->counters();
    for (size_t i = 0; i < multicast::kCounterInfo.size(); ++i) {
      PrintCounter(multicast::kCounterInfo[i].name,
                   counters.core[static_cast<multicast::Counter>(i)]);
    }
    for (size_t i = 0; i < multicast::kDriverCounterInfo.size(); ++i) {
      PrintCounter(multicast::kDriverCounterInfo[i].name,
                   counters.driver[static_cast<multicast::DriverCounter>(i)]);
    }
  }

  uint64_t ended() const { return ended_; }
  uint64_t failed() const { return failed_; }
  const ReceiverReport& report() const { return report_; }

 private:
  void NoteGap() {
    const int64_t now = NowNs();
    if (last_end_ != 0 && now - last_end_ >= kNotedGapNs) {
      std::printf("G %" PRId64 " %" PRId64 "\n", last_end_, now - last_end_);
      std::fflush(stdout);
    }
    last_end_ = now;
  }

  ReceiverReport report_;
  bool is_sender_;
  bool views_told_ = false;
  bool noted_gaps_ = false;
  size_t full_ = 0;
  uint64_t ended_ = 0;
  uint64_t failed_ = 0;
  int64_t last_end_ = 0;
  std::unique_ptr<Group> group_;
};

void CheckAllCommitted(const Member& member) {
  if (member.failed() == 0) return;
  std::printf("ERR %" PRIu64 " sends were not committed\n", member.failed());
  std::fflush(stdout);
}

// Fills the queue, again and again, until `count` messages or `until` are reached.
void SendAll(Member& member, size_t size, uint64_t count, int64_t until) {
  Bytes message(size, 0);
  uint64_t sent = 0;
  while (sent < count && NowNs() < until) {
    WriteNumber(message.data(), sent);
    if (member.Send(message)) {
      ++sent;
      if (sent % 64 == 0) member.Poll(Duration::zero());
    } else {
      member.Poll();
    }
  }
  member.WaitForEnds(sent);
}

void RunSend(const Arguments& arguments) {
  const size_t size = arguments.Number(1);
  const uint64_t count = arguments.Number(2);
  Member member(arguments, 0, ReceiverReport());
  member.WaitForFull(arguments.Number(3) + 1);
  PrintGo();
  const int64_t started = NowNs();
  SendAll(member, size, count, INT64_MAX);
  CheckAllCommitted(member);
  if (arguments.counters) member.PrintCounters();
  PrintSent(started, NowNs());
  member.Linger();
}

void RunLatencySend(const Arguments& arguments) {
  const uint64_t count = arguments.Number(2);
  Member member(arguments, 0, ReceiverReport());
  member.WaitForFull(arguments.Number(1) + 1);
  PrintGo();
  Bytes message(kLatencyMessageBytes, 0);
  std::vector<int64_t> latencies;
  latencies.reserve(count);
  const int64_t started = NowNs();
  for (uint64_t i = 0; i < count; ++i) {
    WriteNumber(message.data(), i);
    const int64_t sent = NowNs();
    while (!member.Send(message)) member.Poll();
    member.WaitForEnds(i + 1);
    latencies.push_back(NowNs() - sent);
  }
  CheckAllCommitted(member);
  PrintLatencies(std::move(latencies), started);
  if (arguments.counters) member.PrintCounters();
  PrintSent(started, NowNs());
  member.Linger();
}

void RunReceive(const Arguments& arguments, uint64_t count) {
  Member member(arguments, arguments.Number(1), ReceiverReport(count == 0));
  PrintReady();
  while (count == 0 || member.report().messages() < count) member.Poll();
  if (arguments.counters) member.PrintCounters();
  member.report().Print(count);
  member.Linger();
}

void RunEvict(const Arguments& arguments) {
  Member member(arguments, 0, ReceiverReport());
  member.TellViews();
  member.WaitForFull(arguments.Number(1) + 1);
  member.NoteGaps();
  PrintGo();
  Bytes message(kLatencyMessageBytes, 0);
  for (uint64_t i = 0;; ++i) {
    WriteNumber(message.data(), i);
    while (!member.Send(message)) member.Poll();
    member.WaitForEnds(i + 1);
  }
}

void RunFlood(const Arguments& arguments) {
  Member member(arguments, 0, ReceiverReport());
  member.TellViews();
  member.WaitForFull(arguments.Number(2) + 1);
  PrintGo();
  const int64_t started = NowNs();
  const auto nanoseconds = static_cast<int64_t>(arguments.Number(3)) * 1'000'000'000;
  SendAll(member, arguments.Number(1), UINT64_MAX, started + nanoseconds);
  CheckAllCommitted(member);
  std::printf("INFO committed %" PRIu64 "\n", member.ended());
  PrintSent(started, NowNs());
}

int Run(const Arguments& arguments) {
  const std::string mode = arguments.words.empty() ? "" : arguments.words[0];
  if (mode == "send") {
    RunSend(arguments);
  } else if (mode == "recv") {
    RunReceive(arguments, arguments.Number(3));
  } else if (mode == "lsend") {
    RunLatencySend(arguments);
  } else if (mode == "lrecv") {
    RunReceive(arguments, arguments.Number(3));
  } else if (mode == "evict") {
    RunEvict(arguments);
  } else if (mode == "flood") {
    RunFlood(arguments);
  } else {
    std::fprintf(stderr, "no such mode: %s\n", mode.c_str());
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) {
  strata::bench::DieWithParent();
  return strata::bench::Run(strata::bench::ParseArguments(argc, argv));
}

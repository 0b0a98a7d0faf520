#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include "common/file.h"
#include "common/system_random.h"
#include "multicast/driver/clock.h"
#include "multicast/group.h"
#include "tests/integration/replica.h"

// A member of a real group, steered by lines on standard input, telling what happens by lines on
// standard output: "<monotonic seconds> <event> name=value ...". tests/integration/README.md.

namespace strata::integration {
namespace {

using namespace multicast;  // NOLINT: it is all about that.

constexpr Duration kTurn = std::chrono::milliseconds(2);
constexpr uint64_t kMarkEvery = 256;    // Commit numbers between two marks.
constexpr uint64_t kLargeEvery = 50;    // Messages between two large ones.
constexpr size_t kLargeBytes = 20'000;  // Several records.
constexpr size_t kMaxAppState = size_t{64} << 20;

struct Flags {
  uint32_t id = 0;
  std::string role = "engine";
  uint32_t priority = 0;
  uint64_t group = 1;
  std::string interface;
  std::string address;
  uint16_t port = 7450;
  std::string keys;
  std::string state;  // A path: the protocol's state; with ".app" the application's.
  bool found = false;
  uint32_t detection_ms = 250;
  uint32_t stall_ms = 2000;
  uint32_t stagger_ms = 50;
  uint32_t fanout_after_ms = 1000;
  uint32_t fanout_heal_ms = 5000;
  double rate = 2000;
  size_t size = 200;
};

void Print(const char* event, const std::string& text) {
  std::printf("%.6f %s %s\n", static_cast<double>(Now().nanos()) / 1e9, event, text.c_str());
  std::fflush(stdout);
}

class Member : public GroupApplication {
 public:
  explicit Member(const Flags& flags) : flags_(flags), run_(SystemRandom().Next()) {}

  Status Start();
  // One turn; false once the member is to end.
  bool Turn();

  void OnDeliver(const DeliverAction& message) override;
  void OnSendDone(const SendDoneAction& done) override;
  void OnViewChanged(const ViewChangedAction& change) override;
  void OnLeftView(const LeftViewAction& left) override;
  void OnDiverged(const DivergedAction& diverged) override;
  std::optional<Bytes> OnTakeSnapshot(const TakeSnapshotAction&) override {
    return replica_.Save();
  }
  void OnInstallSnapshot(const InstallSnapshotAction& snapshot) override;
  void OnAlarm(const AlarmAction& alarm) override;
  void OnStorageError(const std::string& error) override { Print("storage_error", error); }

 private:
  StatusOr<GroupOptions> Options() const;
  void LoadState(GroupOptions& options);
  void SaveState() const;
  void ReadCommands();
  void Obey(const std::string& command);
  void SendDue();
  void PrintState(const std::string& tag);

  const Flags flags_;
  const uint64_t run_;
  Replica replica_;
  std::unique_ptr<Group> group_;
  std::string input_;
  bool leaving_ = false;

  uint64_t wanted_ = 0;  // Messages to send in all.
  uint64_t sent_ = 0;    // Accepted; also the number of the last.
  std::map<SendId, uint64_t> open_;
  uint64_t committed_ = 0, aborted_ = 0, unknown_ = 0, twice_ended_ = 0;
  Timestamp next_send_;
  Timestamp last_delivery_;
  Duration longest_stall_{};
};

StatusOr<GroupOptions> Member::Options() const {
  GroupOptions options;
  options.member = MemberId(flags_.id);
  options.role = flags_.role == "manager"   ? Role::kManager
                 : flags_.role == "witness" ? Role::kWitness
                                            : Role::kEngine;
  options.priority = static_cast<uint8_t>(flags_.priority);
  options.core.group = GroupId(flags_.group);
  options.core.found = flags_.found;
  options.core.detection_timeout = std::chrono::milliseconds(flags_.detection_ms);
  options.core.stall_timeout = std::chrono::milliseconds(flags_.stall_ms);
  options.core.takeover_stagger = std::chrono::milliseconds(flags_.stagger_ms);
  options.core.fanout_after = std::chrono::milliseconds(flags_.fanout_after_ms);
  options.core.fanout_heal = std::chrono::milliseconds(flags_.fanout_heal_ms);
  options.sockets.interface = flags_.interface;
  STRATA_ASSIGN_OR_RETURN(options.sockets.group, IpAddress::Parse(flags_.address));
  options.sockets.port = flags_.port;
  options.state_file = flags_.state;
  if (!flags_.keys.empty()) {
    STRATA_ASSIGN_OR_RETURN(options.keys, ReadKeyFile(flags_.keys));
  }
  return options;
}

Status Member::Start() {
  STRATA_ASSIGN_OR_RETURN(GroupOptions options, Options());
  LoadState(options);
  STRATA_ASSIGN_OR_RETURN(group_, Group::Join(options, *this));
  Print("joined", "unicast=" + ToString(group_->unicast()));
  return Ok();
}

// The file is the commit number and the replica's own bytes.
void Member::LoadState(GroupOptions& options) {
  if (flags_.state.empty()) return;
  const StatusOr<std::string> text = ReadFile(flags_.state + ".app", kMaxAppState);
  if (!text.ok()) return;
  ByteReader in(AsBytes(*text));
  const uint64_t commit = in.U64();
  if (in.ok() && replica_.Load(in.Rest())) options.durable_commit = commit;
}

void Member::SaveState() const {
  if (flags_.state.empty()) return;
  Bytes commit(8);
  ByteWriter(commit).U64(group_->commit_number());
  std::ofstream file(flags_.state + ".app", std::ios::binary | std::ios::trunc);
  file << AsText(commit) << AsText(replica_.Save());
}

bool Member::Turn() {
  ReadCommands();
  SendDue();
  group_->Poll(kTurn);
  if (leaving_) {
    SaveState();
    PrintState("leaving");
    group_->Leave();
  }
  return !leaving_;
}

void Member::ReadCommands() {
  char buffer[4096];
  const ssize_t n = read(STDIN_FILENO, buffer, sizeof(buffer));
  if (n == 0) leaving_ = true;  // Whoever steers is gone.
  if (n > 0) input_.append(buffer, static_cast<size_t>(n));
  for (size_t end = input_.find('\n'); end != std::string::npos; end = input_.find('\n')) {
    Obey(input_.substr(0, end));
    input_.erase(0, end + 1);
  }
}

void Member::Obey(const std::string& command) {
  std::istringstream in(command);
  std::string verb;
  std::string argument;
  in >> verb >> argument;
  if (verb == "send") {
    wanted_ += std::stoull(argument);
    longest_stall_ = Duration();
    last_delivery_ = Now();
  } else if (verb == "stop") {
    wanted_ = sent_;
  } else if (verb == "state") {
    PrintState(argument);
  } else if (verb == "promote") {
    const Status status = group_->Promote();
    Print("promote", ToString(status));
  } else if (verb == "leave") {
    leaving_ = true;
  } else {
    Print("error", "unknown command " + verb);
  }
}

void Member::SendDue() {
  const Timestamp now = Now();
  const Duration gap(static_cast<int64_t>(1e9 / flags_.rate));
  next_send_ = std::max(next_send_, now - std::chrono::milliseconds(50));
  while (sent_ < wanted_ && next_send_ <= now) {
    const uint64_t number = sent_ + 1;
    const size_t bytes = number % kLargeEvery == 0 ? kLargeBytes : flags_.size;
    const auto result = group_->Send(0, Replica::Message(run_, number, bytes));
    const SendId* id = std::get_if<SendId>(&result);
    if (id == nullptr) break;  // Full, or no member for the moment.
    open_[*id] = number;
    sent_ = number;
    next_send_ += gap;
  }
}

void Member::PrintState(const std::string& tag) {
  char text[512];
  std::snprintf(text, sizeof(text),
                "tag=%s log=%" PRIu64 " commit=%" PRIu64 " hash=%016" PRIx64 " messages=%" PRIu64
                " disorders=%" PRIu64 " sent=%" PRIu64 " wanted=%" PRIu64
                " open=%zu committed=%" PRIu64 " aborted=%" PRIu64 " unknown=%" PRIu64
                " twice=%" PRIu64 " own=%" PRIu64 " stall_ms=%" PRId64,
                tag.c_str(), group_->commit_number(), replica_.commit(), replica_.hash(),
                replica_.messages(), replica_.disorders(), sent_, wanted_, open_.size(), committed_,
                aborted_, unknown_, twice_ended_, replica_.LastOf(flags_.id, run_),
                longest_stall_.count() / 1'000'000);
  Print("state", text);
}

void Member::OnDeliver(const DeliverAction& message) {
  const uint64_t before = replica_.commit();
  if (before / kMarkEvery != message.commit_number / kMarkEvery) {
    char text[64];
    std::snprintf(text, sizeof(text), "commit=%" PRIu64 " hash=%016" PRIx64, before,
                  replica_.hash());
    Print("mark", text);
  }
  replica_.Apply(message);
  const Timestamp now = Now();
  if (!open_.empty()) longest_stall_ = std::max(longest_stall_, now - last_delivery_);
  last_delivery_ = now;
}

void Member::OnSendDone(const SendDoneAction& done) {
  if (open_.erase(done.id) == 0) ++twice_ended_;
  switch (done.outcome) {
    case SendOutcome::kCommitted:
    case SendOutcome::kReceived:
      ++committed_;
      break;
    case SendOutcome::kAborted:
      ++aborted_;
      break;
    case SendOutcome::kUnknown:
      ++unknown_;
      break;
  }
}

void Member::OnViewChanged(const ViewChangedAction& change) {
  const View& view = change.view;
  std::ostringstream text;
  text << "number=" << view.number << " epoch=" << ToString(view.epoch)
       << " status=" << ToString(change.status) << " fan_out=" << view.fan_out
       << " sm=" << view.members[0].id.value() << " members=";
  for (size_t i = 0; i < view.members.size(); ++i) {
    text << (i == 0 ? "" : ",") << view.members[i].id.value() << ":"
         << ToString(view.members[i].status);
  }
  Print("view", text.str());
}

void Member::OnLeftView(const LeftViewAction& left) {
  Print("left", "why=" + std::to_string(static_cast<int>(left.why)));
}

void Member::OnDiverged(const DivergedAction& diverged) {
  Print("diverged", "first=" + std::to_string(diverged.first));
}

void Member::OnInstallSnapshot(const InstallSnapshotAction& snapshot) {
  const bool loaded = replica_.Load(snapshot.state);
  Print("snapshot", "commit=" + std::to_string(snapshot.commit_number) +
                        " loaded=" + std::to_string(static_cast<int>(loaded)));
}

void Member::OnAlarm(const AlarmAction& alarm) {
  Print("alarm", "kind=" + std::string(ToString(alarm.alarm)) +
                     " member=" + std::to_string(alarm.member.value()) +
                     " detail=" + std::to_string(alarm.detail));
}

void Declare(CLI::App& app, Flags& flags) {
  app.add_option("--id", flags.id)->required();
  app.add_option("--role", flags.role);
  app.add_option("--priority", flags.priority);
  app.add_option("--group", flags.group);
  app.add_option("--interface", flags.interface)->required();
  app.add_option("--address", flags.address)->required();
  app.add_option("--port", flags.port);
  app.add_option("--keys", flags.keys);
  app.add_option("--state", flags.state);
  app.add_flag("--found", flags.found);
  app.add_option("--detection-ms", flags.detection_ms);
  app.add_option("--stall-ms", flags.stall_ms);
  app.add_option("--stagger-ms", flags.stagger_ms);
  app.add_option("--fanout-after-ms", flags.fanout_after_ms);
  app.add_option("--fanout-heal-ms", flags.fanout_heal_ms);
  app.add_option("--rate", flags.rate);
  app.add_option("--size", flags.size);
}

int Main(int argc, char** argv) {
  CLI::App app("A member of a group, for tests.", "group_member");
  Flags flags;
  Declare(app, flags);
  CLI11_PARSE(app, argc, argv);
  signal(SIGPIPE, SIG_IGN);
  fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
  Member member(flags);
  if (const Status status = member.Start(); !status.ok()) {
    std::cerr << "group_member: " << MessageOf(status) << '\n';
    return 1;
  }
  while (member.Turn()) {
  }
  return 0;
}

}  // namespace
}  // namespace strata::integration

int main(int argc, char** argv) { return strata::integration::Main(argc, argv); }

#include "multicast/group_test_member.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <utility>

namespace strata::multicast {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);

}  // namespace

bool Recorder::WaitUntil(const std::function<bool(const Recorder&)>& condition) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return condition(*this); });
}

std::vector<std::string> Recorder::messages() const {
  std::lock_guard lock(mutex_);
  return messages_;
}
std::map<SendId, SendDoneAction> Recorder::done() const {
  std::lock_guard lock(mutex_);
  return done_;
}
size_t Recorder::left() const {
  std::lock_guard lock(mutex_);
  return left_;
}
std::vector<PrepareAction> Recorder::prepares() const {
  std::lock_guard lock(mutex_);
  return prepares_;
}

void Recorder::OnDeliver(const DeliverAction& message) {
  {
    std::lock_guard lock(mutex_);
    messages_.push_back(std::to_string(message.origin.value()) + ":" +
                        std::string(AsText(message.message)));
    changed_.notify_all();
  }
  if (on_deliver_) on_deliver_(message);
}

std::optional<PrepareAnswer> Recorder::OnPrepare(const PrepareAction& request) {
  std::lock_guard lock(mutex_);
  prepares_.push_back(request);
  changed_.notify_all();
  return on_prepare_ ? on_prepare_(request) : PrepareAnswer();
}

void Recorder::OnSendDone(const SendDoneAction& done) {
  std::lock_guard lock(mutex_);
  done_[done.id] = done;
  changed_.notify_all();
}

void Recorder::OnViewChanged(const ViewChangedAction& change) {
  std::lock_guard lock(mutex_);
  view_ = change.view;
  status_ = change.status;
  changed_.notify_all();
}

void Recorder::OnLeftView(const LeftViewAction&) {
  std::lock_guard lock(mutex_);
  ++left_;
  view_ = View();
  status_ = MemberStatus::kNone;
  changed_.notify_all();
}

std::optional<Bytes> Recorder::OnTakeSnapshot(const TakeSnapshotAction&) {
  std::lock_guard lock(mutex_);
  Bytes state;
  for (const std::string& message : messages_) {
    state.insert(state.end(), message.begin(), message.end());
    state.push_back('\n');
  }
  return state;
}

void Recorder::OnInstallSnapshot(const InstallSnapshotAction& snapshot) {
  std::lock_guard lock(mutex_);
  messages_.clear();
  std::string_view text = AsText(snapshot.state);
  while (!text.empty()) {
    size_t end = text.find('\n');
    messages_.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  changed_.notify_all();
}

GroupOptions TestOptions(const TestNetwork& network, uint32_t member) {
  GroupOptions options;
  options.core.group = GroupId(uint64_t{7000} + network.port);
  options.core.found = member == 1;
  options.member = MemberId(member);
  options.role = member == 1 ? Role::kManager : Role::kEngine;
  options.sockets.interface = "lo";
  options.sockets.group = *IpAddress::Parse(network.group_address);
  options.sockets.address = *IpAddress::Parse(network.address);
  options.sockets.port = network.port;
  options.sockets.loopback = true;
  options.mtu = 1500;
  options.own_thread = true;
  // Machines that run tests are busy.
  options.core.detection_timeout = std::chrono::milliseconds(1500);
  options.core.stall_timeout = std::chrono::seconds(10);
  return options;
}

uint16_t FreshPort() {
  static std::atomic<int> next = 0;
  return static_cast<uint16_t>(20000 + (getpid() * 64 + next++ * 2) % 40000);
}

}  // namespace strata::multicast

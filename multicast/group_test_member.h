#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "multicast/group.h"

// For tests: a member whose application remembers everything.
namespace strata::multicast {

class Recorder : public GroupApplication {
 public:
  // Waits until `condition` holds; it is looked at after each callback, under the lock.
  bool WaitUntil(const std::function<bool(const Recorder&)>& condition);

  // What was delivered: "<origin>:<text>", those before a snapshot included.
  std::vector<std::string> messages() const;
  std::map<SendId, SendDoneAction> done() const;
  size_t left() const;
  std::vector<PrepareAction> prepares() const;

  // For conditions, under the lock.
  std::vector<std::string> messages_;
  std::map<SendId, SendDoneAction> done_;
  View view_;
  MemberStatus status_ = MemberStatus::kNone;
  size_t left_ = 0;
  std::vector<PrepareAction> prepares_;

  // What OnPrepare answers; set before joining.
  std::function<std::optional<PrepareAnswer>(const PrepareAction&)> on_prepare_;
  // Called in OnDeliver, without the lock.
  std::function<void(const DeliverAction&)> on_deliver_;

  void OnDeliver(const DeliverAction& message) override;
  std::optional<PrepareAnswer> OnPrepare(const PrepareAction& request) override;
  void OnSendDone(const SendDoneAction& done) override;
  void OnViewChanged(const ViewChangedAction& change) override;
  void OnLeftView(const LeftViewAction& left) override;
  std::optional<Bytes> OnTakeSnapshot(const TakeSnapshotAction& request) override;
  void OnInstallSnapshot(const InstallSnapshotAction& snapshot) override;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
};

// Options for a member of a group on lo; member 1 is a manager and founds it.
struct TestNetwork {
  const char* group_address = "239.7.7.9";
  const char* address = "127.0.0.1";
  uint16_t port = 0;
};
GroupOptions TestOptions(const TestNetwork& network, uint32_t member);

// A port that no other test of this process and, most likely, no other process uses.
uint16_t FreshPort();

}  // namespace strata::multicast

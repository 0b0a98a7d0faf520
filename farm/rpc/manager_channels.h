#pragma once

#include <grpcpp/client_context.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/address.h"
#include "common/status.h"
#include "common/time.h"
#include "common/tls/manager_channel.h"
#include "common/tls/tls_files.h"
#include "farm/member/group_place.h"
#include "multicast/driver/key_file.h"
#include "proto/manager.grpc.pb.h"

// What members of a farm that are no managers share of their calls to the managers.
namespace strata::farm::rpc {

namespace v1 = strata::manager::v1;

// The same number as in the manager.
inline constexpr uint32_t kRegistrationProtocol = 1;

StatusOr<std::vector<multicast::GroupKey>> KeysOf(
    const google::protobuf::RepeatedPtrField<v1::GroupKey>& sent);

// Of a RegisterReply, an AttendReply or a FindPlaceReply. Errors say what a manager told that makes
// no sense. CheckedPlace() has no keys.
StatusOr<GroupPlace> CheckedPlace(uint64_t group_id, const std::string& address, uint32_t port,
                                  int64_t detection_timeout_ns,
                                  const google::protobuf::RepeatedPtrField<std::string>& seeds);
template <class Reply>
StatusOr<GroupPlace> PlaceOf(const Reply& reply) {
  STRATA_ASSIGN_OR_RETURN(GroupPlace place,
                          CheckedPlace(reply.group_id(), reply.group_address(), reply.group_port(),
                                       reply.detection_timeout_ns(), reply.seeds()));
  STRATA_ASSIGN_OR_RETURN(place.keys, KeysOf(reply.keys()));
  return place;
}

inline constexpr size_t kManagersMax = 64;
inline constexpr size_t kManagerBytesMax = 300;
// A machine may be off for ever, and others are to be asked soon: as long a manager is waited for
// that there was no connection to yet, and one that did not even refuse it the last time.
inline constexpr Duration kConnectLimit = std::chrono::seconds(1);
inline constexpr Duration kSilentLimit = std::chrono::milliseconds(250);

// Puts those of `learned`, each HOST:PORT, behind the managers that are `known` already; what is
// beyond kManagersMax in all, or longer than kManagerBytesMax, is left out.
void LearnManagers(const std::vector<std::string>& learned, std::vector<std::string>& known);

// Channels to the farm's managers: one after the other is called until one answers. One thread at a
// time, but Stop.
class ManagerChannels {
 public:
  // `who`: "engine", for people.
  ManagerChannels(std::string who, std::vector<std::string> managers,
                  std::shared_ptr<const tls::TlsStore> tls);

  using Method = std::function<grpc::Status(v1::Registration::Stub&, grpc::ClientContext&)>;

  // Calls the manager that answered last, then the others, until one does; each is waited for at
  // most some seconds, or as it is above. At a registration Unauthenticated if this process
  // believes none of them; later that is no reason to end: a manager's certificate that has expired
  // must not end those who serve.
  enum class When : uint8_t { kRegistering, kLater };
  Status Call(When when, const Method& call);

  struct Outcome {
    Status status;
    bool answered = false;
    bool stranger = false;  // It is there, and not to be believed.
  };
  // Calls a certain manager, a number below size(); waits no longer than `limit`, or as above.
  Outcome CallOne(size_t manager, Duration limit, const Method& call);
  size_t size() const { return managers_.size(); }
  const std::string& name(size_t manager) const { return managers_[manager]; }

  // From now on these are managers too, as of LearnManagers.
  void Learn(const std::vector<std::string>& managers);

  // Ends the call that goes on, and refuses those that come; by any thread.
  void Stop();

 private:
  bool Begin(grpc::ClientContext& context);
  void End();
  std::string WhyNotBelieved(const std::string& words) const;
  std::string Explain(const std::string& words) const;

  const std::string who_;
  std::vector<std::string> managers_;
  const std::shared_ptr<const tls::TlsStore> tls_;
  size_t at_ = 0;  // The manager that answered last.
  struct Link {
    tls::ManagerChannel channel;
    Duration patience = kConnectLimit;  // No call may take longer.
  };
  static void NoteFailure(Link& link, const grpc::ClientContext& context, StatusCode code);
  void AddLinks();
  std::vector<Link> links_;  // One for each of `managers_`.

  absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* current_ ABSL_GUARDED_BY(mutex_) = nullptr;  // Of the call that goes on.
};

}  // namespace strata::farm::rpc

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/status.h"
#include "common/tls/tls_files.h"
#include "farm/member/group_place.h"
#include "multicast/wire/types.h"

namespace strata::manager::rpc {

// What a manager gives a witness.
struct Attendance {
  multicast::MemberId member{};
  farm::GroupPlace group;
};

// Calls the farm's managers for a witness (proto/manager.proto, Registration.Attend), one after the
// other until one answers. One thread, but Stop.
class WitnessClient {
 public:
  WitnessClient(std::vector<std::string> managers, std::shared_ptr<const tls::TlsStore> tls);
  ~WitnessClient();

  // `instance`: 16 random bytes of this start of the process. The first call is the registration.
  // Errors as of farm::rpc::ManagerChannels.
  StatusOr<Attendance> Attend(ByteSpan instance);
  // The place that this witness had, while nobody leads. Errors as of farm::rpc::PlaceFinder.
  StatusOr<Attendance> FindPlace(multicast::MemberId member, uint64_t group_id);
  // Ends the call that goes on, and refuses those that come; by any thread.
  void Stop();

 private:
  class Channels;

  const std::unique_ptr<Channels> channels_;
  bool registered_ = false;
};

}  // namespace strata::manager::rpc

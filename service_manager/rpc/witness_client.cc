#include "service_manager/rpc/witness_client.h"

#include <utility>

#include "common/version.h"
#include "farm/rpc/manager_channels.h"
#include "farm/rpc/place_finder.h"
#include "proto/manager.grpc.pb.h"

namespace strata::manager::rpc {

class WitnessClient::Channels final : public farm::rpc::ManagerChannels {
 public:
  using ManagerChannels::ManagerChannels;

  farm::rpc::PlaceFinder places{*this};
};

WitnessClient::WitnessClient(std::vector<std::string> managers,
                             std::shared_ptr<const tls::TlsStore> tls)
    : channels_(std::make_unique<Channels>("witness", std::move(managers), std::move(tls))) {}
WitnessClient::~WitnessClient() = default;

StatusOr<Attendance> WitnessClient::Attend(ByteSpan instance) {
  v1::AttendRequest request;
  request.set_protocol(farm::rpc::kRegistrationProtocol);
  request.set_version(kVersion);
  request.set_instance(instance.data(), instance.size());
  v1::AttendReply reply;
  using When = farm::rpc::ManagerChannels::When;
  STRATA_RETURN_IF_ERROR(
      channels_->Call(registered_ ? When::kLater : When::kRegistering,
                      [&](v1::Registration::Stub& stub, grpc::ClientContext& context) {
                        return stub.Attend(&context, request, &reply);
                      }));
  Attendance attendance;
  attendance.member = multicast::MemberId(reply.member_id());
  STRATA_ASSIGN_OR_RETURN(attendance.group, farm::rpc::PlaceOf(reply));
  registered_ = true;
  return attendance;
}

StatusOr<Attendance> WitnessClient::FindPlace(multicast::MemberId member, uint64_t group_id) {
  Attendance place;
  place.member = member;
  STRATA_ASSIGN_OR_RETURN(
      place.group, channels_->places.Find({.member_id = member.value(), .group_id = group_id}));
  return place;
}

void WitnessClient::Stop() { channels_->Stop(); }

}  // namespace strata::manager::rpc

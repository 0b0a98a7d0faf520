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

namespace {

Attendance InGroup(multicast::MemberId member, farm::rpc::GroupPlace place,
                   std::vector<multicast::GroupKey> keys) {
  Attendance attendance;
  attendance.member = member;
  attendance.group_id = place.group_id;
  attendance.group_address = place.address;
  attendance.group_port = place.port;
  attendance.detection_timeout = place.detection_timeout;
  attendance.seeds = std::move(place.seeds);
  attendance.keys = std::move(keys);
  return attendance;
}

}  // namespace

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
  STRATA_ASSIGN_OR_RETURN(farm::rpc::GroupPlace place, farm::rpc::PlaceOf(reply));
  STRATA_ASSIGN_OR_RETURN(std::vector<multicast::GroupKey> keys, farm::rpc::KeysOf(reply.keys()));
  registered_ = true;
  return InGroup(multicast::MemberId(reply.member_id()), std::move(place), std::move(keys));
}

StatusOr<Attendance> WitnessClient::FindPlace(multicast::MemberId member, uint64_t group_id) {
  STRATA_ASSIGN_OR_RETURN(
      farm::rpc::FoundPlace found,
      channels_->places.Find({.member_id = member.value(), .group_id = group_id}));
  return InGroup(member, std::move(found.group), std::move(found.keys));
}

void WitnessClient::Stop() { channels_->Stop(); }

}  // namespace strata::manager::rpc

#include "farm/rpc/place_finder.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "common/version.h"

namespace strata::farm::rpc {
namespace {

constexpr std::chrono::seconds kFindLimit(1);

struct Answer {
  GroupPlace place;
  std::pair<uint64_t, uint64_t> position;
};

StatusOr<Answer> FromReply(const v1::FindPlaceReply& reply, const KnownMember& self) {
  Answer answer;
  answer.position = {reply.term(), reply.number()};
  STRATA_ASSIGN_OR_RETURN(answer.place, PlaceOf(reply));
  if (reply.group_id() == self.group_id) return answer;
  return Internal("the manager told the place in another group");
}

StatusOr<Answer> Ask(ManagerChannels& channels, size_t manager, const KnownMember& self) {
  v1::FindPlaceRequest request;
  request.set_protocol(kRegistrationProtocol);
  request.set_version(kVersion);
  request.set_member_id(self.member_id);
  request.set_group_id(self.group_id);
  v1::FindPlaceReply reply;
  const ManagerChannels::Outcome outcome = channels.CallOne(
      manager, kFindLimit, [&](v1::Registration::Stub& stub, grpc::ClientContext& context) {
        return stub.FindPlace(&context, request, &reply);
      });
  STRATA_RETURN_IF_ERROR(outcome.status);
  return FromReply(reply, self);
}

void AddSeeds(const std::vector<Endpoint>& more, std::vector<Endpoint>& seeds) {
  for (const Endpoint& seed : more) {
    if (std::find(seeds.begin(), seeds.end(), seed) == seeds.end()) seeds.push_back(seed);
  }
}

}  // namespace

StatusOr<GroupPlace> PlaceFinder::Find(const KnownMember& self) {
  std::optional<GroupPlace> best;
  std::vector<Endpoint> seeds;
  Status failure = Unavailable("no manager told this member's place in the group as it is now");
  for (size_t manager = 0; manager < channels_.size(); ++manager) {
    StatusOr<Answer> answer = Ask(channels_, manager, self);
    if (!answer.ok()) {
      // A manager that knows more of it than that it cannot be reached is to be heard.
      if (answer.status().code() != StatusCode::kUnavailable) failure = answer.status();
      continue;
    }
    AddSeeds(answer->place.seeds, seeds);
    if (answer->position < highest_) continue;
    highest_ = answer->position;
    best = std::move(answer->place);
  }
  if (!best) return failure;
  best->seeds = std::move(seeds);
  return *std::move(best);
}

}  // namespace strata::farm::rpc

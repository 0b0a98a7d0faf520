#include "tests/bench/farm_guest.h"

#include <chrono>
#include <thread>
#include <utility>

#include "common/system_random.h"
#include "common/tls/tls_files.h"
#include "farm/member/group_place.h"

namespace strata::bench {
namespace {

constexpr size_t kInstanceBytes = 16;
constexpr uint16_t kNobodysPort = 9;
// The guest before this one counts as alive for some seconds after its end, as an engine does.
constexpr std::chrono::seconds kTryAgain(1);
constexpr int kTwinTries = 15;

multicast::GroupOptions OptionsOf(const FarmGuest::Place& place,
                                  const engine::rpc::Registration& registration) {
  multicast::GroupOptions options;
  options.member = multicast::MemberId(registration.id.value());
  options.role = multicast::Role::kEngine;
  options.sockets.interface = place.interface;
  options.sockets.loopback = place.loopback;
  options.sockets.address = place.address;
  farm::SetPlace(registration.group, options);
  return options;
}

}  // namespace

FarmGuest::FarmGuest(const Place& place, std::shared_ptr<const tls::TlsStore> store)
    : instance_(kInstanceBytes), client_(place.managers, std::move(store)) {
  SystemRandom random;
  for (uint8_t& byte : instance_) byte = static_cast<uint8_t>(random.Below(256));
  info_.clients = {{.ip = place.address, .port = kNobodysPort, .interface = 0}};
  info_.peers = info_.clients;
}

StatusOr<std::unique_ptr<FarmGuest>> FarmGuest::Join(const Place& place,
                                                     farm::FarmListener& listener,
                                                     MetricRegistry& metrics) {
  const std::string& files = place.certificates;
  STRATA_ASSIGN_OR_RETURN(auto store,
                          tls::TlsStore::Open({.authority = files + "/ca.pem",
                                               .certificate = files + "/certificate.pem",
                                               .key = files + "/key.pem",
                                               .revocations = ""}));
  std::unique_ptr<FarmGuest> guest(new FarmGuest(place, std::move(store)));
  STRATA_ASSIGN_OR_RETURN(const auto registration, guest->Register());
  guest->id_ = registration.id;
  guest->registration_ = registration.number;
  STRATA_ASSIGN_OR_RETURN(guest->member_, farm::FarmMember::Join(OptionsOf(place, registration), {},
                                                                 listener, metrics));
  return guest;
}

StatusOr<engine::rpc::Registration> FarmGuest::Register() {
  StatusOr<engine::rpc::Registration> registered = client_.Register(info_, instance_);
  for (int tries = 0; tries < kTwinTries; ++tries) {
    if (registered.status().code() != StatusCode::kAlreadyExists) break;
    std::this_thread::sleep_for(kTryAgain);
    registered = client_.Register(info_, instance_);
  }
  return registered;
}

Status FarmGuest::Renew() {
  const auto renewal = client_.Renew(instance_, registration_);
  if (renewal.ok()) return member_->UseKeys(renewal->keys);
  STRATA_ASSIGN_OR_RETURN(const auto registration, Register());
  registration_ = registration.number;
  return member_->UseKeys(registration.group.keys);
}

}  // namespace strata::bench

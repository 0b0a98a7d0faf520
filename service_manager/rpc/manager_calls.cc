// AdministrationService: what concerns the managers themselves.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "service_manager/rpc/administration_service.h"

namespace strata::manager::rpc {
namespace {

constexpr Duration kPromoteLimit = std::chrono::seconds(10);

std::string RoleOf(const multicast::View& view, uint32_t id) {
  for (size_t slot = 0; slot < view.members.size(); ++slot) {
    const multicast::MemberInfo& member = view.members[slot];
    if (member.id.value() != id) continue;
    if (member.status != multicast::MemberStatus::kFull) return "joins";
    return slot == 0 ? "leads" : "backup";
  }
  return "away";
}

uint32_t PriorityOf(const multicast::View& view, uint32_t id) {
  for (const multicast::MemberInfo& member : view.members) {
    if (member.id.value() == id) return member.priority;
  }
  return 0;
}

}  // namespace

grpc::Status AdministrationService::ListManagers(grpc::ServerContext* context,
                                                 const v1::ListManagersRequest*,
                                                 v1::ListManagersReply* reply) {
  return View(*context, [&] {
    const multicast::View view = control_.member().view();
    std::vector<std::string> behind;
    if (control_.leads()) behind = control_.store().Behind();
    reply->set_leader(control_.leader());
    for (const auto& [name, entry] : control_.managers().all()) {
      v1::ManagerRow* row = reply->add_managers();
      row->set_name(name);
      row->set_address(entry.address);
      row->set_role(RoleOf(view, entry.id));
      row->set_member_id(entry.id);
      row->set_priority(PriorityOf(view, entry.id));
      row->set_behind(std::find(behind.begin(), behind.end(), name) != behind.end());
    }
    return Ok();
  });
}

// Only who leads can write the record of it: what was refused is in the log.
grpc::Status AdministrationService::PromoteManager(grpc::ServerContext* context,
                                                   const v1::PromoteManagerRequest* request,
                                                   v1::PromoteManagerReply*) {
  const StatusOr<tls::Identity> caller = guard_.Admit(*context, Guard::Right::kOrder);
  if (!caller.ok()) return ToGrpc(caller.status());
  const std::string& own = control_.options().name;
  if (request->name() != own) {
    return ToGrpc(FailedPrecondition("this is manager %s, not %s: its address has changed hands",
                                     own.c_str(), request->name().substr(0, 64).c_str()));
  }
  control::Succession& succession = control_.succession();
  const Status led =
      request->anyway() ? succession.LeadAnyway(kPromoteLimit) : succession.Promote(kPromoteLimit);
  const std::string what = "promote manager " + own + (request->anyway() ? " anyway" : "");
  const Status recorded = guard_.Record(*context, what, led);
  return ToGrpc(led.ok() ? recorded : led);
}

grpc::Status AdministrationService::RemoveManager(grpc::ServerContext* context,
                                                  const v1::RemoveManagerRequest* request,
                                                  v1::RemoveManagerReply*) {
  const std::string& name = request->name();
  return Order(*context, "remove manager " + name.substr(0, 64), [&](const std::string&) -> Status {
    STRATA_ASSIGN_OR_RETURN(const auto entry, control_.managers().Find(name));
    if (RoleOf(control_.member().view(), entry.id) != "away") {
      return FailedPrecondition("manager %s is in the farm's group: stop it first", name.c_str());
    }
    return control_.managers().Remove(name);
  });
}

}  // namespace strata::manager::rpc

#pragma once

#include "common/status.h"
#include "proto/locate.pb.h"
#include "service_manager/federation/locate/locate_messages.h"

// Messages of proto/locate.proto as the desk's types, and back. What comes from outside is checked
// as far as a type can hold it, before anything is made of it: InvalidArgument names the field.
// CheckQuestion and CheckAnswer look at the rest. Pure; any thread.
namespace strata::manager::locating {

namespace v1 = strata::manager::locate::v1;

// For another manager. Times are rounded down to microseconds.
void ToProto(const federation::LocateQuestion& question, v1::LocateRequest& request);
StatusOr<federation::LocateQuestion> FromProto(const v1::LocateRequest& request);

void ToProto(const federation::LocateAnswer& answer, v1::LocateReply& reply);
StatusOr<federation::LocateAnswer> FromProto(const v1::LocateReply& reply);

// For people: with the reasons of gaps in words.
void ToProto(const federation::LocateAnswer& answer, v1::TraceReply& reply);

}  // namespace strata::manager::locating

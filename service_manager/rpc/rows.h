#pragma once

#include "common/time.h"
#include "farm/director.h"
#include "proto/manager.pb.h"
#include "service_manager/control/event_log.h"
#include "service_manager/control/orders.h"
#include "service_manager/control/site_desk.h"

// What a manager knows, as its replies say it. Pure translations.
namespace strata::manager::rpc {

v1::EngineRow ToRow(const farm::StateTable& table, const farm::Row& row,
                    const farm::LoadWeights& weights, Timestamp now);
v1::Copy ToCopy(const farm::StateTable& table, const farm::Candidate& candidate,
                const farm::ContentKey& key, Timestamp now);
v1::Event ToEvent(const control::FarmEvent& event);
v1::SiteSummary ToSummary(const control::SiteVersion& version);
v1::Purge ToPurge(const control::Orders::PurgeOutcome& outcome);
void PutOutcome(const control::Orders::SiteOutcome& outcome, v1::ApplySiteReply* reply);

}  // namespace strata::manager::rpc

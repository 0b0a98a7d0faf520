#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "common/status.h"
#include "proto/manager.pb.h"
#include "service_manager/control/drain_desk.h"

// What engines and manager say to each other of copies, in the words of each. Pure translations.
namespace strata::manager::rpc {

// Answers of one call at most; an engine gets less to do at a time.
inline constexpr int kCopyAnswersMax = 1000;
inline constexpr size_t kCopyProblemBytesMax = 300;  // The rest is not kept.

// InvalidArgument, naming the field, for what no engine of ours says.
StatusOr<std::vector<control::DrainDesk::Prepared>> PreparedOf(
    const v1::ExchangeCopiesRequest& request);
StatusOr<std::vector<control::DrainDesk::Copied>> CopiedOf(
    const v1::ExchangeCopiesRequest& request);
void PutWork(const control::DrainDesk::Work& work, v1::ExchangeCopiesReply* reply);
// `report`: nothing is known if it is nothing.
void PutDrain(const std::optional<control::DrainDesk::Report>& report, v1::Drain* drain);

}  // namespace strata::manager::rpc

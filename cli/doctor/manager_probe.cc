#include "cli/doctor/manager_probe.h"

#include <grpc/support/log.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>

#include "cli/await_connection.h"
#include "cli/connection_error.h"
#include "cli/readable.h"
#include "common/tls/grpc_credentials.h"
#include "common/wall_clock.h"
#include "proto/manager.grpc.pb.h"

namespace strata::cli::doctor {
namespace {

// What managers say in the head of every answer: milliseconds since 1970.
constexpr const char* kTimeKey = "strata-time-ms";

std::optional<int64_t> TimeIn(const grpc::ClientContext& context) {
  for (const auto* head :
       {&context.GetServerInitialMetadata(), &context.GetServerTrailingMetadata()}) {
    const auto found = head->find(kTimeKey);
    if (found == head->end()) continue;
    int64_t time_ms = 0;
    const char* end = found->second.data() + found->second.size();
    if (std::from_chars(found->second.data(), end, time_ms).ptr == end) return time_ms;
  }
  return std::nullopt;
}

std::chrono::system_clock::time_point After(Duration wait) {
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(wait);
}

// As operators and viewers do; engines may only do what engines do.
grpc::Status Ask(const std::shared_ptr<grpc::Channel>& channel, Kind kind,
                 grpc::ClientContext& context, std::string& says) {
  if (kind == Kind::kEngine) {
    manager::v1::TellUrisReply reply;
    says = "answers this engine";
    return manager::v1::Registration::NewStub(channel)->TellUris(&context, {}, &reply);
  }
  manager::v1::ShowFarmReply farm;
  const grpc::Status status =
      manager::v1::Administration::NewStub(channel)->ShowFarm(&context, {}, &farm);
  says = "is " + farm.manager() + " of " + farm.scope() + ", with " +
         Counted(static_cast<uint64_t>(farm.engines_size()), "engine", "engines") +
         (farm.has_quorum() ? "" : " and without quorum: nothing commits");
  return status;
}

ManagerFacts ProbeOne(const std::string& address, const std::shared_ptr<tls::TlsStore>& store,
                      const ManagerOptions& options, Kind kind) {
  ManagerFacts facts{.address = address};
  const auto channel = grpc::CreateChannel(address, tls::MakeChannelCredentials(store));
  // The handshake is no part of the time between question and answer.
  const Connection connection = AwaitConnection(*channel, After(options.timeout / 2));
  const bool asks = kind == Kind::kEngine || kind == Kind::kCommand;
  if (!asks && connection == Connection::kReady) {
    facts.answers = true;
    facts.says = "answers, and believes this certificate";
    return facts;
  }
  grpc::ClientContext context;
  context.set_deadline(After(options.timeout / 2));
  const int64_t asked_ns = WallClockNanos();
  const grpc::Status status = Ask(channel, kind, context, facts.says);
  const int64_t answered_ns = WallClockNanos();
  const auto code = static_cast<StatusCode>(status.error_code());
  const Status explained = ExplainCallError(code, status.error_message(), address, options);
  const std::optional<int64_t> time_ms = TimeIn(context);
  facts.answers = status.ok() || (time_ms && code != StatusCode::kPermissionDenied &&
                                  code != StatusCode::kUnauthenticated);
  facts.refused = explained.code() == StatusCode::kPermissionDenied ||
                  explained.code() == StatusCode::kUnauthenticated;
  if (!status.ok()) {
    facts.problem = MessageOf(explained);
    facts.says = "answers: " + facts.problem;
  }
  if (time_ms) {
    const double middle_ms = static_cast<double>(asked_ns / 2 + answered_ns / 2) / 1e6;
    facts.ahead_s = (middle_ms - static_cast<double>(*time_ms)) / 1e3;
    facts.unsure_s = static_cast<double>(answered_ns - asked_ns) / 2e9 + 0.001;
  }
  return facts;
}

}  // namespace

std::vector<ManagerFacts> ProbeManagers(const std::vector<std::string>& managers,
                                        const tls::TlsPaths& paths, Kind kind, Duration patience) {
  gpr_set_log_function([](gpr_log_func_args*) {});
  std::vector<ManagerFacts> facts;
  const StatusOr<std::shared_ptr<tls::TlsStore>> store = tls::TlsStore::Open(paths);
  const ManagerOptions options{.managers = managers, .paths = paths, .timeout = patience};
  for (size_t i = 0; i < std::min(managers.size(), kManagersProbedMax); ++i) {
    if (store.ok()) {
      facts.push_back(ProbeOne(managers[i], *store, options, kind));
    } else {
      facts.push_back(
          {.address = managers[i], .problem = "not asked: " + MessageOf(store.status())});
    }
  }
  return facts;
}

}  // namespace strata::cli::doctor

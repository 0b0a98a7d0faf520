#include "common/tls/handshake_watch.h"

#include <grpc/support/log.h>

#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/distinct_log.h"

namespace strata::tls {
namespace {

constexpr std::string_view kFile = "chttp2_server.cc";
constexpr std::string_view kSign = "Handshaking failed";
constexpr std::string_view kLibrary = "SSL routines::";

bool IsFailedHandshake(const gpr_log_func_args& args) {
  return std::string_view(args.file).ends_with(kFile) &&
         std::string_view(args.message).starts_with(kSign);
}

}  // namespace

struct HandshakeWatch::State {
  explicit State(MetricRegistry& metrics)
      : failed(metrics.AddCounter({.name = "strata_rpc_handshakes_failed_total",
                                   .help = "TLS handshakes with engines and operators that "
                                           "failed."})) {}

  // gRPC takes a function without an object, and keeps it for ever.
  static void OnLine(gpr_log_func_args* args) {
    if (!IsFailedHandshake(*args)) return;
    absl::MutexLock lock(&mutex);
    if (all.empty()) return;
    for (State* state : all) state->failed.Add();
    all.front()->log.Warning("handshake failed", ReasonOfHandshake(args->message));
  }

  static inline absl::Mutex mutex{absl::kConstInit};
  // Never destroyed: gRPC may say something while the process ends.
  static inline auto& all ABSL_GUARDED_BY(mutex) = *new std::vector<State*>;

  Counter& failed;
  DistinctLog log{Logger("rpc")};
};

HandshakeWatch::HandshakeWatch(MetricRegistry& metrics) : state_(std::make_unique<State>(metrics)) {
  {
    absl::MutexLock lock(&State::mutex);
    State::all.push_back(state_.get());
  }
  gpr_set_log_function(&State::OnLine);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_DEBUG);
}

HandshakeWatch::~HandshakeWatch() {
  absl::MutexLock lock(&State::mutex);
  std::erase(State::all, state_.get());
}

std::string ReasonOfHandshake(const std::string& line) {
  const auto has = [&line](const char* part) { return line.find(part) != std::string::npos; };
  if (has("certificate verify failed")) {
    return "the caller's certificate is not of this manager's authority, or not of this time";
  }
  if (has("did not return a certificate")) return "the caller has shown no certificate";
  if (has("Socket closed") || has("Connection reset") || has("Handshake write failed")) {
    return "the caller hung up: it may not believe this manager's certificate";
  }
  const size_t begin = line.find(kLibrary);
  if (begin == std::string::npos) return "no TLS of ours";
  const size_t from = begin + kLibrary.size();
  return line.substr(from, line.find_first_of("{\"", from) - from);
}

}  // namespace strata::tls

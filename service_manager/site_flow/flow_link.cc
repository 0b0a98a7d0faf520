#include "service_manager/site_flow/flow_link.h"

#include <thread>
#include <utility>

#include "common/log.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/link/limits.h"
#include "service_manager/site_flow/limits.h"

namespace strata::manager::site_flow {
namespace {

using link::ParentCaller;
using link::StreamWatch;

const Logger& Log() {
  static const Logger logger("site_flow");
  return logger;
}

}  // namespace

FlowLink::FlowLink(Options options, FlowState& state, std::shared_ptr<const tls::TlsStore> tls)
    : epoch_(options.epoch),
      flow_(state),
      caller_({.fits =
                   [this](const federation::ScopeLevel& parent) {
                     return federation::CheckLink(parent, flow_.own());
                   },
               .parents = std::move(options.parents),
               .message_bytes_max = static_cast<int>(kMessageBytesMax),
               .talk = [this](ParentCaller::Call& call) { return Talk(call); },
               .tell =
                   [this](const ParentCaller::State& asked) {
                     absl::MutexLock lock(&mutex_);
                     asked_ = asked;
                   },
               .lost = "the parent is not followed any more"},
              std::move(tls)) {}

FlowLink::State FlowLink::state() const {
  ParentCaller::State state;
  {
    absl::MutexLock lock(&mutex_);
    state = asked_;
  }
  return {.connected = flow_.reports(),
          .parent = state.parent,
          .scope = state.scope,
          .last = state.last};
}

Status FlowLink::Talk(ParentCaller::Call& call) {
  const auto stream = v1::SiteFlow::NewStub(call.channel())->Follow(&call.context());
  const Status status = Exchange(call, *stream);
  if (!status.ok()) call.watched().End(status);
  const grpc::Status finished = stream->Finish();
  return MakeStatus(static_cast<StatusCode>(finished.error_code()), finished.error_message());
}

Status FlowLink::Exchange(ParentCaller::Call& call, Stream& stream) {
  v1::NewsMessage first;
  const Hello hello{.child = flow_.own(), .epoch = epoch_, .held = flow_.Held()};
  if (!stream.Write(ToMessage(hello)) || !stream.Read(&first)) return Ok();
  STRATA_ASSIGN_OR_RETURN(const federation::ScopeLevel parent, WelcomeFrom(first));
  STRATA_RETURN_IF_ERROR(call.Believe(parent));
  call.OnWelcome();
  Log().Info("follows the parent", {{"scope", parent.scope}});
  flow_.BeginReports();
  std::thread reader([&] {
    const Status read = ReadAll(parent.scope, stream, call.watched());
    if (!read.ok()) call.watched().End(read);
    flow_.EndReports();
  });
  TellAll(stream, call.watched());
  reader.join();
  return Ok();
}

Status FlowLink::ReadAll(const std::string& parent, Stream& stream, StreamWatch::Stream& watched) {
  v1::NewsMessage message;
  while (true) {
    watched.Waits();
    if (!stream.Read(&message)) return Ok();
    watched.Heard();
    switch (message.what_case()) {
      case v1::NewsMessage::kSite:
      case v1::NewsMessage::kRemoved:
      case v1::NewsMessage::kPurges: {
        STRATA_ASSIGN_OR_RETURN(const News news, NewsFrom(message));
        STRATA_RETURN_IF_ERROR(flow_.TakeNews(parent, news));
        break;
      }
      case v1::NewsMessage::kWelcome:
        return InvalidArgument("a second welcome");
      case v1::NewsMessage::kAlive:
      case v1::NewsMessage::WHAT_NOT_SET:  // Of a later version.
        break;
    }
  }
}

void FlowLink::TellAll(Stream& stream, StreamWatch::Stream& watched) {
  v1::FollowerMessage alive;
  alive.mutable_alive();
  while (true) {
    const sites::RowChanges report = flow_.NextReport(link::kAliveEvery);
    if (!flow_.reports()) return;
    if (flow_.TakeRetry()) {
      return watched.End(Unavailable("what was refused may fit now: the parent tells it anew"));
    }
    if (!stream.Write(report.empty() ? alive : ToMessage(report))) return;
  }
}

}  // namespace strata::manager::site_flow

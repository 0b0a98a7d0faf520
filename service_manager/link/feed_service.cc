#include "service_manager/link/feed_service.h"

#include <utility>

#include "common/log.h"

namespace strata::manager::link {
namespace {

const Logger& Log() {
  static const Logger logger("link");
  return logger;
}

// For who is nobody's backup.
FeedService::Options WithFollows(FeedService::Options options) {
  if (options.follows != nullptr) return options;
  options.follows = [](const std::string&) {
    return FailedPrecondition("this manager is nobody's backup");
  };
  return options;
}

}  // namespace

FeedService::FeedService(Options options, rpc::Guard& guard, ChildFeeds& feeds,
                         MetricRegistry& metrics)
    : own_(options.own),
      feeds_(feeds),
      taken_(metrics.AddCounter(
          {.name = "strata_link_streams_total",
           .help = "Streams that were taken of children, or of the manager that leads."})),
      changes_(metrics.AddCounter(
          {.name = "strata_link_changes_total",
           .help = "Copies that were told as there or gone, and are on this manager's disk."})),
      intervals_(
          metrics.AddCounter({.name = "strata_link_intervals_total",
                              .help = "Parts of the directory that were told anew as a whole."})),
      forgotten_(metrics.AddCounter(
          {.name = "strata_link_forgotten_total",
           .help = "Children that were forgotten, since they had no stream for too long."})),
      forgotten_copies_(metrics.AddCounter({.name = "strata_link_forgotten_copies_total",
                                            .help = "Copies that were forgotten with them."})),
      streams_(WithFollows(std::move(options)), guard,
               metrics.AddCounter(
                   {.name = "strata_link_refused_total",
                    .help = "Streams that were refused, or ended for what was said in them."}),
               metrics.AddGauge({.name = "strata_link_streams",
                                 .help = "Children whose stream is there; at a backup the "
                                         "manager that leads."})) {}

void FeedService::AddTo(grpc::ServerBuilder& builder) {
  ChildStreams::Prepare(builder);
  builder.RegisterService(this);
}

grpc::Status FeedService::Feed(grpc::ServerContext* context, Stream* stream) {
  Hello hello;
  return streams_.Serve(
      *context,
      [&]() -> StatusOr<ChildStreams::Introduction> {
        v1::FeedRequest first;
        if (!stream->Read(&first)) return InvalidArgument("a stream that says nothing");
        STRATA_ASSIGN_OR_RETURN(hello, FromProto(first));
        return ChildStreams::Introduction{.child = hello.child, .epoch = hello.greeting.epoch};
      },
      [&](ChildStreams::Place& place) { return Exchange(place, *stream, hello.greeting); });
}

Status FeedService::Exchange(ChildStreams::Place& place, Stream& stream,
                             const federation::FeedGreeting& greeting) {
  const Status ended = Welcomed(place, stream, greeting);
  feeds_.Disconnect(place.child().scope);  // Before the next one comes.
  return ended;
}

Status FeedService::Welcomed(ChildStreams::Place& place, Stream& stream,
                             const federation::FeedGreeting& greeting) {
  const Child& child = place.child();
  STRATA_ASSIGN_OR_RETURN(const federation::FeedWelcome welcome,
                          feeds_.Connect(child.scope, greeting));
  if (!stream.Write(ToReply(Welcome{.parent = own_, .feed = welcome}))) {
    return Unavailable("the stream broke");
  }
  taken_.Add();
  const bool leader = streams_.IsLeader(child.scope);
  Log().Info(leader ? "the manager that leads tells" : "a child tells",
             {{"scope", child.scope},
              {"manager", child.manager},
              {"epoch", greeting.epoch},
              {"goes on", greeting.Follows(welcome.position)}});
  const Status ended =
      place.Exchange([&] { return ReadAll(place, stream); }, [&] { AnswerAll(place, stream); });
  const Status why = place.ended().ok() ? ended : place.ended();
  Log().Warning(leader ? "the manager that leads tells no more" : "a child tells no more",
                {{"scope", child.scope}, {"why", MessageOf(why)}});
  return ended;
}

Status FeedService::ReadAll(ChildStreams::Place& place, Stream& stream) {
  v1::FeedRequest request;
  while (true) {
    place.Waits();
    if (!stream.Read(&request)) return Unavailable("the stream broke");
    place.Heard();
    if (request.has_hello()) return InvalidArgument("a second hello");
    if (!request.has_batch()) continue;
    STRATA_RETURN_IF_ERROR(streams_.CheckTurn(place.child()));
    STRATA_RETURN_IF_ERROR(feeds_.Take(place.child().scope, AsBytes(request.batch())));
    place.TellNews();
  }
}

void FeedService::AnswerAll(ChildStreams::Place& place, Stream& stream) {
  while (place.AwaitNews()) {
    const ChildFeeds::Answers answers = feeds_.AnswersFor(place.child().scope);
    changes_.Add(answers.changes);
    intervals_.Add(answers.intervals);
    v1::FeedReply alive;
    alive.mutable_alive();
    bool broken = false;
    for (const federation::FeedComparison& comparison : answers.comparisons) {
      broken = broken || !stream.Write(ToReply(comparison));
    }
    broken = broken ||
             !stream.Write(answers.acknowledgement ? ToReply(*answers.acknowledgement) : alive);
    if (broken) return;
  }
}

void FeedService::OnSynced() { streams_.TellNews(); }

Status FeedService::Lead() {
  STRATA_RETURN_IF_ERROR(feeds_.Lead());
  streams_.EndLeader(Unavailable("this manager leads"));
  return Ok();
}

void FeedService::Follow(const Status& why) {
  feeds_.Follow();
  streams_.EndAll(why);
}

StatusOr<bool> FeedService::ForgetSilent(Duration limit, Timestamp now) {
  StatusOr<bool> more = feeds_.ForgetSilent(limit, now);
  forgotten_.AdvanceTo(feeds_.forgotten());
  forgotten_copies_.AdvanceTo(feeds_.forgotten_copies());
  return more;
}

void FeedService::Stop() { streams_.Stop(); }

}  // namespace strata::manager::link

#include "service_manager/link/feed_messages.h"

#include <string>

#include "common/version.h"
#include "service_manager/directory/limits.h"
#include "service_manager/link/limits.h"

namespace strata::manager::link {
namespace {

void Put(const federation::FeedCredit& credit, v1::Credit& out) {
  out.set_records(credit.records);
  out.set_bytes(credit.bytes);
}

federation::FeedCredit FromProto(const v1::Credit& credit) {
  return {.records = credit.records(), .bytes = credit.bytes()};
}

}  // namespace

v1::FeedRequest ToRequest(const Hello& hello) {
  v1::FeedRequest request;
  v1::ChildHello& out = *request.mutable_hello();
  out.set_protocol(kFeedProtocol);
  out.set_version(kVersion);
  out.set_scope(hello.child.scope);
  out.set_level(hello.child.level);
  out.set_epoch(hello.greeting.epoch);
  out.set_lowest(hello.greeting.lowest);
  out.set_next(hello.greeting.next);
  return request;
}

v1::FeedReply ToReply(const Welcome& welcome) {
  v1::FeedReply reply;
  v1::ParentWelcome& out = *reply.mutable_welcome();
  out.set_version(kVersion);
  out.set_scope(welcome.parent.scope);
  out.set_level(welcome.parent.level);
  out.set_epoch(welcome.feed.position.epoch);
  out.set_sequence(welcome.feed.position.sequence);
  Put(welcome.feed.credit, *out.mutable_credit());
  return reply;
}

v1::FeedReply ToReply(const federation::FeedAcknowledgement& acknowledgement) {
  v1::FeedReply reply;
  reply.mutable_acknowledgement()->set_sequence(acknowledgement.sequence);
  Put(acknowledgement.credit, *reply.mutable_acknowledgement()->mutable_credit());
  return reply;
}

v1::FeedReply ToReply(const federation::FeedComparison& comparison) {
  v1::FeedReply reply;
  v1::Comparison& out = *reply.mutable_comparison();
  out.set_sequence(comparison.sequence);
  out.mutable_differing()->Assign(comparison.differing.begin(), comparison.differing.end());
  return reply;
}

StatusOr<Hello> FromProto(const v1::FeedRequest& first) {
  if (!first.has_hello()) return InvalidArgument("a stream that does not begin with a hello");
  const v1::ChildHello& in = first.hello();
  if (in.protocol() != kFeedProtocol) {
    return FailedPrecondition(
        "the child (version %s) speaks feed protocol %u, its parent %u: upgrade the older one",
        in.version().substr(0, kVersionBytesMax).c_str(), in.protocol(), kFeedProtocol);
  }
  const Hello hello{.child = {.scope = in.scope(), .level = in.level()},
                    .greeting = {.epoch = in.epoch(), .lowest = in.lowest(), .next = in.next()}};
  STRATA_RETURN_IF_ERROR(federation::CheckScopeLevel(hello.child));
  return hello;
}

StatusOr<Welcome> FromProto(const v1::FeedReply& first) {
  if (!first.has_welcome()) return InvalidArgument("a stream that does not begin with a welcome");
  const v1::ParentWelcome& in = first.welcome();
  const Welcome welcome{.parent = {.scope = in.scope(), .level = in.level()},
                        .feed = {.position = {.epoch = in.epoch(), .sequence = in.sequence()},
                                 .credit = FromProto(in.credit())}};
  STRATA_RETURN_IF_ERROR(federation::CheckScopeLevel(welcome.parent));
  return welcome;
}

federation::FeedAcknowledgement FromProto(const v1::Acknowledgement& acknowledgement) {
  return {.sequence = acknowledgement.sequence(), .credit = FromProto(acknowledgement.credit())};
}

StatusOr<federation::FeedComparison> FromProto(const v1::Comparison& comparison) {
  if (comparison.differing_size() > static_cast<int>(directory::kRanges)) {
    return InvalidArgument("a comparison of %d ranges; there are %u", comparison.differing_size(),
                           directory::kRanges);
  }
  return federation::FeedComparison{
      .sequence = comparison.sequence(),
      .differing = {comparison.differing().begin(), comparison.differing().end()}};
}

}  // namespace strata::manager::link

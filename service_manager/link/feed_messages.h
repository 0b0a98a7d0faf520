#pragma once

#include "common/status.h"
#include "proto/federation.pb.h"
#include "service_manager/federation/feed/feed_position.h"
#include "service_manager/federation/hierarchy.h"

// What goes between child and parent, as the feed's types. Pure, any thread.
namespace strata::manager::link {

namespace v1 = strata::manager::federation::v1;

// What the two ends tell of themselves, and of the feed, when a stream begins.
struct Hello {
  federation::ScopeLevel child;
  federation::FeedGreeting greeting;

  friend bool operator==(const Hello&, const Hello&) = default;
};
struct Welcome {
  federation::ScopeLevel parent;
  federation::FeedWelcome feed;

  friend bool operator==(const Welcome&, const Welcome&) = default;
};

v1::FeedRequest ToRequest(const Hello& hello);
v1::FeedReply ToReply(const Welcome& welcome);
v1::FeedReply ToReply(const federation::FeedAcknowledgement& acknowledgement);
v1::FeedReply ToReply(const federation::FeedComparison& comparison);

// The first message of the other side. InvalidArgument: it is another one, or of too many bytes;
// FailedPrecondition: another version of the protocol.
StatusOr<Hello> FromProto(const v1::FeedRequest& first);
StatusOr<Welcome> FromProto(const v1::FeedReply& first);

federation::FeedAcknowledgement FromProto(const v1::Acknowledgement& acknowledgement);
// InvalidArgument: more ranges than there are.
StatusOr<federation::FeedComparison> FromProto(const v1::Comparison& comparison);

}  // namespace strata::manager::link

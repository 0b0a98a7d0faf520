#include "service_engine/transfer/peer_fetch.h"

#include <gtest/gtest.h>

#include <string>

#include "common/hex.h"
#include "service_engine/transfer/one_peer.h"

namespace strata::engine::transfer {
namespace {

constexpr char kFilm[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nLast-Modified: Thu, 01 Jan 1970 00:00:01 GMT\r\n\r\n"
    "film";

struct Outcome {
  StatusOr<PeerBody> body = Unavailable("nothing");
  std::string bytes;
};

Outcome FetchOf(
    const OnePeer& peer, uint64_t bytes_max = 100,
    const std::function<bool()>& stopped = [] { return false; }) {
  PeerFetch fetch;
  fetch.peer = peer.endpoint();
  fetch.host = "films.example";
  fetch.target = "/a?b=c";
  fetch.bytes_max = bytes_max;
  fetch.stall = std::chrono::milliseconds(300);
  Outcome outcome;
  outcome.body = FetchFromPeer(
      fetch,
      [&outcome](ByteSpan bytes) {
        outcome.bytes.append(bytes.begin(), bytes.end());
        return Ok();
      },
      stopped);
  return outcome;
}

TEST(PeerFetchTest, TakesTheBodyAndSumsIt) {
  OnePeer peer(kFilm);
  const Outcome outcome = FetchOf(peer);
  ASSERT_TRUE(outcome.body.ok()) << MessageOf(outcome.body.status());
  EXPECT_EQ(outcome.bytes, "film");
  EXPECT_EQ(outcome.body->bytes, 4u);
  EXPECT_EQ(outcome.body->last_modified, "Thu, 01 Jan 1970 00:00:01 GMT");
  EXPECT_EQ(ToHex(outcome.body->sha256),
            "d0607f7ad2628b2af9158dfba06ce87166e66b15bf68f8f358f9aa27ccb7c321");
  EXPECT_TRUE(peer.asked().starts_with("GET /_s/films.example/a?b=c HTTP/1.1\r\n")) << peer.asked();
}

TEST(PeerFetchTest, TakesAnAnswerInChunks) {
  OnePeer peer(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n2\r\nlm\r\n0\r\n\r\n");
  const Outcome outcome = FetchOf(peer);
  ASSERT_TRUE(outcome.body.ok()) << MessageOf(outcome.body.status());
  EXPECT_EQ(outcome.bytes, "film");
}

TEST(PeerFetchTest, WhatThePeerDoesNotHaveIsNotFound) {
  OnePeer peer("HTTP/1.1 504 Gateway Time-out\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(FetchOf(peer).body.status().code(), StatusCode::kNotFound);
  OnePeer closed("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(FetchOf(closed).body.status().code(), StatusCode::kUnavailable);
}

TEST(PeerFetchTest, WhatIsCutShortIsNoContent) {
  OnePeer peer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfilm");
  EXPECT_EQ(FetchOf(peer).body.status().code(), StatusCode::kDataLoss);
}

TEST(PeerFetchTest, MoreThanThereShouldBeIsRefused) {
  OnePeer peer(kFilm);
  EXPECT_EQ(FetchOf(peer, 3).body.status().code(), StatusCode::kResourceExhausted);
  OnePeer chunked("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfilm\r\n0\r\n\r\n");
  EXPECT_EQ(FetchOf(chunked, 3).body.status().code(), StatusCode::kResourceExhausted);
}

TEST(PeerFetchTest, APeerThatFallsSilentIsGivenUp) {
  OnePeer peer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfilm", true);
  EXPECT_EQ(FetchOf(peer).body.status().code(), StatusCode::kDeadlineExceeded);
}

TEST(PeerFetchTest, WhoEndsDoesNotWait) {
  OnePeer peer("", true);
  EXPECT_EQ(FetchOf(peer, 100, [] { return true; }).body.status().code(), StatusCode::kAborted);
}

TEST(PeerFetchTest, WhatIsNoHttpIsAnError) {
  OnePeer peer("film");
  EXPECT_FALSE(FetchOf(peer).body.ok());
}

TEST(PeerFetchTest, WhoeverTakesItMayEndIt) {
  OnePeer peer(kFilm);
  PeerFetch fetch;
  fetch.peer = peer.endpoint();
  fetch.host = "films.example";
  fetch.target = "/";
  fetch.bytes_max = 100;
  const StatusOr<PeerBody> body = FetchFromPeer(
      fetch, [](ByteSpan) { return ResourceExhausted("the disk is full"); }, [] { return false; });
  EXPECT_EQ(body.status().code(), StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace strata::engine::transfer

#include "service_engine/core/access_log.h"

#include <gtest/gtest.h>

namespace strata::engine {
namespace {

using std::chrono::milliseconds;

const std::string kLine =
    "films.example\tGET\t/a/film.mp4?t=1\t206\t1.250\t1048999\t2001:db8::7\tHIT";

TEST(AccessLogTest, ReadsALine) {
  const StatusOr<FinishedRequest> request = ParseAccessLogLine(kLine);
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_EQ(request->site, "films.example");
  EXPECT_EQ(request->method, "GET");
  EXPECT_EQ(request->target, "/a/film.mp4?t=1");
  EXPECT_EQ(request->status, 206);
  EXPECT_EQ(request->duration, milliseconds(1250));
  EXPECT_EQ(request->bytes, 1048999u);
  EXPECT_EQ(ToString(request->client), "2001:db8::7");
  EXPECT_EQ(request->cache, "HIT");
}

TEST(AccessLogTest, UndoesEscapesAndDashes) {
  const auto request =
      ParseAccessLogLine("-\t-\t/\\x09\\x22\\x5C\\xC3\\xA9\t400\t0.000\t0\t192.0.2.1\t-");
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_EQ(request->site, "");
  EXPECT_EQ(request->target, "/\t\"\\\xc3\xa9");
  EXPECT_EQ(request->cache, "");
}

std::string Refusal(const std::string& line) {
  const auto request = ParseAccessLogLine(line);
  return request.ok() ? "accepted" : MessageOf(request.status());
}

TEST(AccessLogTest, SaysWhichFieldIsWrong) {
  EXPECT_EQ(Refusal(""), "fewer than 8 fields");
  EXPECT_EQ(Refusal(kLine + "\tx"), "more than 8 fields");
  EXPECT_EQ(Refusal("s\tGET\t/\\q\t200\t0.000\t0\t::1\t-"), "target: a \\ that is no \\xHH");
  EXPECT_EQ(Refusal("s\tGET\t/\t2x0\t0.000\t0\t::1\t-"), "status is no number");
  EXPECT_EQ(Refusal("s\tGET\t/\t200\t0.00\t0\t::1\t-"),
            "request_time is not in seconds and thousandths");
  EXPECT_EQ(Refusal("s\tGET\t/\t200\t0.000\t-\t::1\t-"), "bytes_sent is no number");
  EXPECT_NE(Refusal("s\tGET\t/\t200\t0.000\t0\tunix:\t-"), "accepted");
}

TEST(AccessLogTest, PutsPiecesTogether) {
  const std::string file = kLine + "\n" + kLine + "\n" + kLine + "\n";
  for (size_t piece = 1; piece < file.size(); piece += 7) {
    AccessLogReader reader;
    std::vector<FinishedRequest> requests;
    for (size_t at = 0; at < file.size(); at += piece) {
      reader.Read(std::string_view(file).substr(at, piece), requests);
    }
    EXPECT_EQ(requests.size(), 3u) << piece;
    EXPECT_EQ(reader.broken(), 0u);
    EXPECT_EQ(reader.consumed(), file.size());
  }
}

TEST(AccessLogTest, CountsBrokenLinesAndGoesOn) {
  AccessLogReader reader;
  std::vector<FinishedRequest> requests;
  reader.Read("garbage\n" + kLine + "\n", requests);
  EXPECT_EQ(requests.size(), 1u);
  EXPECT_EQ(reader.broken(), 1u);
}

TEST(AccessLogTest, ALineWithoutAnEndTakesNoMoreMemoryThanItsLimit) {
  AccessLogReader reader;
  std::vector<FinishedRequest> requests;
  const std::string piece(10000, 'x');
  for (int i = 0; i < 20; ++i) reader.Read(piece, requests);
  reader.Read("\n" + kLine + "\n", requests);
  EXPECT_EQ(requests.size(), 1u);
  EXPECT_EQ(reader.broken(), 1u);
  EXPECT_EQ(reader.consumed(), 200000 + 1 + kLine.size() + 1);
}

TEST(AccessLogTest, WhatARotationCutsOffIsBroken) {
  AccessLogReader reader;
  std::vector<FinishedRequest> requests;
  reader.Read(kLine.substr(0, 10), requests);
  EXPECT_EQ(reader.consumed(), 0u);
  reader.EndFile();
  EXPECT_EQ(reader.broken(), 1u);
  reader.Read(kLine + "\n", requests);
  EXPECT_EQ(requests.size(), 1u);
  EXPECT_EQ(reader.consumed(), kLine.size() + 1);
}

}  // namespace
}  // namespace strata::engine

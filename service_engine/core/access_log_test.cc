#include "service_engine/core/access_log.h"

#include <gtest/gtest.h>

namespace strata::engine {
namespace {

using std::chrono::milliseconds;

const std::string kLine =
    "films\tpath\tHIT\t1.250\t1048999\t206\t2001:db8::7\tGET\t/a/film.mp4?t=1\t"
    "2001:db8::7 - - \"GET /_s/films.example/a/film.mp4?t=1\"\t206";

class AccessLogTest : public ::testing::Test {
 protected:
  LineFault Parse(std::string_view line) { return ParseAccessLogLine(line, request_, spelled_); }

  FinishedRequest request_;
  std::deque<std::string> spelled_;
};

TEST_F(AccessLogTest, ReadsALine) {
  ASSERT_EQ(Parse(kLine), LineFault::kNone);
  EXPECT_EQ(request_.site, "films");
  EXPECT_EQ(request_.entry, kEntryPath);
  EXPECT_EQ(request_.cache, "HIT");
  EXPECT_EQ(request_.duration, milliseconds(1250));
  EXPECT_EQ(request_.bytes, 1048999u);
  EXPECT_EQ(request_.status, 206);
  EXPECT_EQ(request_.client, "2001:db8::7");
  EXPECT_EQ(request_.method, "GET");
  EXPECT_EQ(request_.target, "/a/film.mp4?t=1");
  EXPECT_EQ(request_.operator_line,
            "2001:db8::7 - - \"GET /_s/films.example/a/film.mp4?t=1\"\t206");
}

TEST_F(AccessLogTest, UndoesEscapesAndDashes) {
  ASSERT_EQ(Parse("-\tpath\t-\t0.000\t0\t400\t192.0.2.1\t-\t/\\x09\\x22\\x5C\\xC3\\xa9\t\\x22"),
            LineFault::kNone);
  EXPECT_EQ(request_.site, "");
  EXPECT_EQ(request_.entry, "");  // Of no site.
  EXPECT_EQ(request_.method, "");
  EXPECT_EQ(request_.target, "/\t\"\\\xc3\xa9");
  EXPECT_EQ(request_.operator_line, "\\x22");
  EXPECT_EQ(request_.cache, "");
}

TEST_F(AccessLogTest, SaysWhatIsWrong) {
  EXPECT_EQ(Parse(""), LineFault::kFields);
  EXPECT_EQ(Parse("s\thost\t-\t0.000\t0\t200\t::1\tGET\t/"), LineFault::kFields);
  EXPECT_EQ(Parse("s\thost\t-\t0.000\t0\t200\t::1\tGET\t/\t"), LineFault::kNone);
  EXPECT_EQ(Parse("s\thost\t-\t0.000\t0\t200\t::1\tGET\t/\\q\t"), LineFault::kEscape);
  EXPECT_EQ(Parse("s\thost\t-\t0.000\t0\t200\t::1\tGET\t/\\x4\t"), LineFault::kEscape);
  EXPECT_EQ(Parse("s\thost\t-\t0.000\t0\t2x0\t::1\tGET\t/\t"), LineFault::kStatus);
  EXPECT_EQ(Parse("s\thost\t-\t0.000\t0\t-20\t::1\tGET\t/\t"), LineFault::kStatus);
  EXPECT_EQ(Parse("s\thost\t-\t0.00\t0\t200\t::1\tGET\t/\t"), LineFault::kDuration);
  EXPECT_EQ(Parse("s\thost\t-\t.000\t0\t200\t::1\tGET\t/\t"), LineFault::kDuration);
  EXPECT_EQ(Parse("s\thost\t-\t0.000\t-\t200\t::1\tGET\t/\t"), LineFault::kBytes);
  EXPECT_EQ(Parse("s\thost\t-\t0.000\t99999999999999999999\t200\t::1\tGET\t/\t"),
            LineFault::kBytes);
}

TEST_F(AccessLogTest, TheFormatHasWhatIsKnownAsText) {
  const std::string format = AccessLogFormat("films", kEntryHost, "$request_uri");
  EXPECT_TRUE(format.starts_with("films\thost\t$upstream_cache_status\t"));
  EXPECT_TRUE(format.ends_with("\t$request_uri\t"));
}

TEST_F(AccessLogTest, ALineThatIsNotWholeIsGivenAgain) {
  AccessLogReader reader;
  std::vector<FinishedRequest> requests;
  const std::string file = kLine + "\n" + kLine + "\n" + kLine;
  EXPECT_EQ(reader.Read(file, requests), 2 * (kLine.size() + 1));
  EXPECT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0], requests[1]);
  EXPECT_EQ(reader.Read(kLine + "\n", requests), kLine.size() + 1);
  EXPECT_EQ(requests.size(), 3u);
  EXPECT_EQ(reader.broken(), 0u);
}

TEST_F(AccessLogTest, CountsBrokenLinesAndGoesOn) {
  AccessLogReader reader;
  std::vector<FinishedRequest> requests;
  reader.Read("garbage\n" + kLine + "\n", requests);
  EXPECT_EQ(requests.size(), 1u);
  EXPECT_EQ(reader.broken(), 1u);
}

TEST_F(AccessLogTest, ALineThatIsTooLongIsDroppedUpToItsEnd) {
  AccessLogReader reader;
  std::vector<FinishedRequest> requests;
  const std::string piece(kMaxAccessLogLine + 1, 'x');
  EXPECT_EQ(reader.Read(piece, requests), piece.size());
  EXPECT_EQ(reader.Read("xx", requests), 2u);
  EXPECT_EQ(reader.Read("x\n" + kLine + "\n", requests), kLine.size() + 3);
  EXPECT_EQ(requests.size(), 1u);
  EXPECT_EQ(reader.broken(), 1u);
}

TEST_F(AccessLogTest, WhatARotationCutsOffIsBroken) {
  AccessLogReader reader;
  std::vector<FinishedRequest> requests;
  EXPECT_EQ(reader.Read(kLine.substr(0, 10), requests), 0u);
  reader.EndFile(10);
  EXPECT_EQ(reader.broken(), 1u);
  reader.Read(kLine + "\n", requests);
  EXPECT_EQ(requests.size(), 1u);
}

}  // namespace
}  // namespace strata::engine

#include "service_manager/frontend/request_head.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace strata::manager::frontend {
namespace {

constexpr size_t kLimit = 1024;

HeadResult Parse(std::string_view bytes, RequestHead& head) {
  size_t searched = 0;
  return ParseRequestHead(bytes, kLimit, searched, head);
}
HeadResult ResultOf(std::string_view bytes) {
  RequestHead head;
  return Parse(bytes, head);
}

TEST(RequestHeadTest, TellsWhatMatters) {
  const std::string bytes =
      "\r\nOPTIONS /a?b HTTP/1.1\r\nhost:  films.example \r\nOrigin: https://x.example\r\n"
      "Accept: text/html\r\nAccess-Control-Request-Method: PUT\r\n"
      "Access-Control-Request-Headers: x-y, range\r\n\r\nGET";
  RequestHead head;
  ASSERT_EQ(Parse(bytes, head), HeadResult::kComplete);
  EXPECT_EQ(head.method, routing::Method::kOptions);
  EXPECT_EQ(head.target, "/a?b");
  EXPECT_EQ(head.host, "films.example");
  EXPECT_EQ(head.origin, "https://x.example");
  EXPECT_EQ(head.accept, "text/html");
  EXPECT_EQ(head.cors_method, "PUT");
  EXPECT_EQ(head.cors_headers, "x-y, range");
  EXPECT_FALSE(head.http_1_0);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.has_body);
  EXPECT_EQ(head.start, 2u);
  EXPECT_EQ(head.bytes, bytes.size() - 3);
}

TEST(RequestHeadTest, TellsWhetherTheConnectionMayStay) {
  for (const auto& [fields, keep] :
       std::vector<std::pair<std::string, bool>>{{"1.1\r\n", true},
                                                 {"1.1\r\nConnection: close\r\n", false},
                                                 {"1.1\r\nConnection: x, Close\r\n", false},
                                                 {"1.0\r\n", false},
                                                 {"1.0\r\nConnection: keep-alive\r\n", true}}) {
    RequestHead head;
    ASSERT_EQ(Parse("GET / HTTP/" + fields + "\r\n", head), HeadResult::kComplete) << fields;
    EXPECT_EQ(head.keep_alive, keep) << fields;
    EXPECT_EQ(head.http_1_0, fields.starts_with("1.0"));
  }
}

TEST(RequestHeadTest, TellsWhetherABodyFollows) {
  for (const auto& [fields, body] :
       std::vector<std::pair<std::string, bool>>{{"Content-Length: 0\r\n", false},
                                                 {"Content-Length: 5000000000\r\n", true},
                                                 {"Transfer-Encoding: Chunked\r\n", true}}) {
    RequestHead head;
    ASSERT_EQ(Parse("GET / HTTP/1.1\r\n" + fields + "\r\n", head), HeadResult::kComplete);
    EXPECT_EQ(head.has_body, body) << fields;
  }
}

TEST(RequestHeadTest, WaitsForTheEndAndSearchesEachByteOnce) {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  RequestHead head;
  size_t searched = 0;
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(ParseRequestHead({bytes.data(), size}, kLimit, searched, head),
              HeadResult::kIncomplete);
    EXPECT_GE(searched + 3, size);
  }
  EXPECT_EQ(ParseRequestHead(bytes, kLimit, searched, head), HeadResult::kComplete);
  EXPECT_EQ(searched, 0u);
}

TEST(RequestHeadTest, HasALimit) {
  const auto padded = [](size_t size) {
    const std::string begin = "GET / HTTP/1.1\r\nX: ";
    return begin + std::string(size - begin.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(ResultOf(padded(kLimit)), HeadResult::kComplete);
  EXPECT_EQ(ResultOf(padded(kLimit + 1)), HeadResult::kTooLarge);
  EXPECT_EQ(ResultOf(std::string(kLimit, 'x')), HeadResult::kTooLarge);
  EXPECT_EQ(ResultOf(std::string(kLimit - 1, 'x')), HeadResult::kIncomplete);
}

TEST(RequestHeadTest, RefusesWhatIsNoRequestOrMayBeTwo) {
  for (const std::string head :
       {"GET /\r\n", "GET  / HTTP/1.1\r\n", "GE\x01T / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nX y: 1\r\n", "GET / HTTP/1.1\r\nX\r\n", "GET / HTTP/1.1\r\n: x\r\n",
        "GET / HTTP/1.1\r\nX: a\x01\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n",
        "GET / HTTP/1.1\r\nX: a\r\n b\r\n", "GET / HTTP/1.1\r\nContent-Length: 1, 2\r\n",
        "GET / HTTP/1.1\r\nContent-Length: -1\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"}) {
    EXPECT_EQ(ResultOf(head + "\r\n"), HeadResult::kMalformed) << head;
  }
  EXPECT_EQ(ResultOf("GET / HTTP/1.2\r\n\r\n"), HeadResult::kUnknownVersion);
  for (const std::string coding : {"gzip", "gzip, chunked", "chunked, chunked"}) {
    EXPECT_EQ(ResultOf("GET / HTTP/1.1\r\nTransfer-Encoding: " + coding + "\r\n\r\n"),
              HeadResult::kUnknownCoding)
        << coding;
  }
  EXPECT_EQ(ResultOf("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
            HeadResult::kUnknownCoding);
}

}  // namespace
}  // namespace strata::manager::frontend

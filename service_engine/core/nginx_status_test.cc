#include "service_engine/core/nginx_status.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::engine {
namespace {

// As nginx 1.22 writes it.
const std::string kPage =
    "Active connections: 291 \n"
    "server accepts handled requests\n"
    " 16630948 16630946 31070465 \n"
    "Reading: 6 Writing: 179 Waiting: 106 \n";

TEST(NginxStatusTest, ReadsThePage) {
  const StatusOr<NginxStatus> status = ParseNginxStatus(kPage);
  ASSERT_TRUE(status.ok()) << status.status().ToString();
  EXPECT_EQ(*status, (NginxStatus{291, 16630948, 16630946, 31070465, 6, 179, 106}));
}

TEST(NginxStatusTest, RefusesWhatIsCutOff) {
  const size_t last_number = kPage.find("106");
  for (size_t size = 0; size <= last_number; ++size) {
    EXPECT_FALSE(ParseNginxStatus(kPage.substr(0, size)).ok()) << size;
  }
}

TEST(NginxStatusTest, SaysWhatIsMissing) {
  const auto refusal = [](const std::string& page) {
    const StatusOr<NginxStatus> status = ParseNginxStatus(page);
    return status.ok() ? "accepted" : MessageOf(status.status());
  };
  EXPECT_EQ(refusal("<html>404</html>"), "stub_status: no active connections in its first line");
  EXPECT_EQ(refusal("Active connections: 1 \nserver accepts handled requests\n 1 2 x \n"),
            "stub_status: no accepts, handled and requests after that");
  EXPECT_EQ(refusal(kPage + "more"),
            "stub_status: no reading, writing and waiting in its last line");
  EXPECT_EQ(refusal("Active connections: 99999999999999999999 \n"),
            "stub_status: no active connections in its first line");
}

}  // namespace
}  // namespace strata::engine

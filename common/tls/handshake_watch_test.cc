#include "common/tls/handshake_watch.h"

#include <gtest/gtest.h>

namespace strata::tls {
namespace {

TEST(HandshakeWatchTest, SaysWhatALineMeans) {
  const std::string front = "Handshaking failed: UNKNOWN:Ssl handshake failed: SSL_ERROR_SSL: ";
  EXPECT_NE(ReasonOfHandshake(front + "error:0A000086:SSL routines::certificate verify failed {a:1")
                .find("authority"),
            std::string::npos);
  EXPECT_NE(ReasonOfHandshake(front + "error:0A0000C7:SSL routines::peer did not return a "
                                      "certificate {tsi_code:10")
                .find("no certificate"),
            std::string::npos);
  EXPECT_NE(ReasonOfHandshake("Handshaking failed: UNKNOWN:Handshake read failed {children:["
                              "INTERNAL:Socket closed {fd:11")
                .find("hung up"),
            std::string::npos);
  EXPECT_EQ(ReasonOfHandshake(front + "error:0A00010B:SSL routines::wrong version number{"),
            "wrong version number");
  EXPECT_EQ(ReasonOfHandshake("Handshaking failed: timed out"), "no TLS of ours");
}

}  // namespace
}  // namespace strata::tls

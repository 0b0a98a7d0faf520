#include "cli/bundle/redact.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::cli::bundle {
namespace {

constexpr const char* kBody =
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgeX4mple0fKeyBytes\n"
    "GByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgeX4mple0fKeyByteshRANCAASiJ5\n";

TEST(RedactTest, KeepsWhatIsNoSecret) {
  for (const std::string text :
       {"", "\n", "manager: 192.0.2.1:7400\nkey: /etc/strata/engine/key.pem\n",
        "strata_rpc_admitted_total 17\n",
        "2026-11-20 18:04:05 engine=north-1 uri=http://films.example/a/b/c.mp4?x=1\n",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "open /var/lib/strata/engine/library/films/season-1/episode-2/part-three/file.mp4 failed",
        "key 00112233445566778899aabbccddeeff"}) {
    EXPECT_EQ(Redact(text), text);
  }
}

TEST(RedactTest, TakesPrivateKeysOut) {
  for (const std::string kind : {"PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"}) {
    const std::string text =
        "before\n-----BEGIN " + kind + "-----\n" + kBody + "-----END " + kind + "-----\nafter\n";
    const std::string left = Redact(text);
    EXPECT_EQ(left.find("MIGH"), std::string::npos) << left;
    EXPECT_EQ(left.find("GByq"), std::string::npos) << left;
    EXPECT_EQ(left.find("before\n"), 0u);
    EXPECT_NE(left.find("\nafter\n"), std::string::npos);
  }
}

TEST(RedactTest, TakesCutOffKeysOut) {
  EXPECT_EQ(Redact(kBody).find("G"), std::string::npos) << Redact(kBody);
  const std::string logged = "Nov 20 18:04:05 host strata-se[1]: " + std::string(kBody);
  EXPECT_EQ(Redact(logged).find("MIGH"), std::string::npos);
  EXPECT_EQ(Redact("-----BEGIN PRIVATE KEY-----\nshort\nand no end\n").find("short"),
            std::string::npos);
}

TEST(RedactTest, TakesNamedSecretsOut) {
  EXPECT_EQ(Redact("password: hunter two\nx: 1\n"), "password: [removed]\nx: 1\n");
  EXPECT_EQ(Redact("DB_PASSWORD=hunter2"), "DB_PASSWORD=[removed]");
  EXPECT_EQ(Redact("{\"client_secret\": \"hunter2\", \"a\": 1}"),
            "{\"client_secret\": [removed], \"a\": 1}");
  EXPECT_EQ(Redact("Authorization: Bearer hunter2"), "Authorization: [removed]");
  EXPECT_EQ(Redact("proxy_set_header Authorization \"Basic hunter2\";"),
            "proxy_set_header Authorization [removed];");
  EXPECT_EQ(Redact("GET /a?token=hunter2&b=c HTTP/1.1"), "GET /a?token=[removed]&b=c HTTP/1.1");
  EXPECT_EQ(Redact("passphrase 'hunter2' is wrong"), "passphrase [removed] is wrong");
}

TEST(RedactTest, TakesNamesOutOfUrls) {
  EXPECT_EQ(Redact("origin http://ann:hunter2@origin.example/a refused"),
            "origin http://[removed]@origin.example/a refused");
  EXPECT_EQ(Redact("http://a.example/x@y"), "http://a.example/x@y");
}

TEST(RedactTest, TakesKeysInHexOut) {
  EXPECT_EQ(Redact("1 " + std::string(64, 'a') + " sent first"), "1 [removed] sent first");
}

}  // namespace
}  // namespace strata::cli::bundle

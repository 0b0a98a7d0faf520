#include "farm/content_identity.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

namespace strata::farm {
namespace {

constexpr char kDocument[] = "docs/protocols/content_identity.md";

using Vector = std::map<std::string, std::string>;  // Word at the start of a line -> the rest.

// The vectors in the document's fenced blocks of one kind.
std::vector<Vector> Vectors(const std::string& kind) {
  std::vector<Vector> vectors;
  std::ifstream document(kDocument);
  EXPECT_TRUE(document.good()) << kDocument;
  bool inside = false;
  bool fresh = true;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("```")) {
      inside = line == "```" + kind;
      fresh = true;
    } else if (inside && line.empty()) {
      fresh = true;
    } else if (inside) {
      if (fresh) vectors.emplace_back();
      fresh = false;
      const size_t end = std::min(line.find(' '), line.size());
      const size_t rest = std::min(line.find_first_not_of(' ', end), line.size());
      vectors.back()[line.substr(0, end)] = line.substr(rest);
    }
  }
  return vectors;
}

QueryRules RulesOf(const std::string& text) {
  QueryRules rules;
  std::istringstream words(text);
  std::string word;
  words >> word;
  if (word == "none") rules.keep = QueryRules::Keep::kNone;
  if (word == "only") rules.keep = QueryRules::Keep::kOnly;
  if (word == "but") rules.keep = QueryRules::Keep::kAllBut;
  while (words >> word) {
    if (word == "sorted") {
      rules.sorted = true;
    } else {
      rules.names.push_back(word);
    }
  }
  return rules;
}

TEST(ContentIdentityTest, AgreesWithTheDocumentsVectors) {
  const std::vector<Vector> vectors = Vectors("identity");
  EXPECT_EQ(vectors.size(), 23u);
  for (Vector vector : vectors) {
    SCOPED_TRACE(vector["#"]);
    const StatusOr<std::string> host = CanonicalHost(vector["host"]);
    ASSERT_TRUE(host.ok()) << host.status().ToString();
    std::string uri;
    const Status status = CanonicalUri(*host, vector["path"], RulesOf(vector["rules"]), uri);
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(uri, vector["uri"]);
    EXPECT_EQ(ToString(KeyOf(uri)), vector["key"]);
  }
}

TEST(ContentIdentityTest, RefusesWhatTheDocumentRefuses) {
  const std::vector<Vector> vectors = Vectors("refused");
  EXPECT_EQ(vectors.size(), 15u);
  for (Vector vector : vectors) {
    SCOPED_TRACE(vector["host"] + " " + vector["path"]);
    const StatusOr<std::string> host = CanonicalHost(vector["host"]);
    std::string uri;
    const Status status =
        host.ok() ? CanonicalUri(*host, vector["path"], QueryRules(), uri) : host.status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.ToString().find(vector["error"]), std::string::npos) << status.ToString();
  }
}

TEST(ContentIdentityTest, ACanonicalUriIsItsOwnCanonicalUri) {
  for (Vector vector : Vectors("identity")) {
    const StatusOr<UriParts> parts = SplitUri(vector["uri"]);
    ASSERT_TRUE(parts.ok());
    std::string again;
    EXPECT_TRUE(CanonicalUri(parts->host, parts->target, RulesOf(vector["rules"]), again).ok());
    EXPECT_EQ(again, vector["uri"]);
  }
}

TEST(ContentIdentityTest, RefusesControlCharacters) {
  std::string uri;
  for (const char c : std::string("\0\x01\r\n\x7f", 5)) {
    EXPECT_FALSE(CanonicalUri("a.example", std::string("/a") + c, QueryRules(), uri).ok());
    EXPECT_FALSE(CanonicalUri("a.example", std::string("/?a") + c, QueryRules(), uri).ok());
    EXPECT_FALSE(CanonicalHost(std::string("a") + c).ok());
  }
}

TEST(ContentIdentityTest, HoldsItsLimits) {
  std::string uri;
  EXPECT_TRUE(CanonicalUri("a.example", "/" + std::string(kMaxTargetBytes - 1, 'x'), {}, uri).ok());
  EXPECT_FALSE(CanonicalUri("a.example", "/" + std::string(kMaxTargetBytes, 'x'), {}, uri).ok());
  QueryRules sorted;
  sorted.sorted = true;
  std::string target = "/?";
  for (size_t i = 0; i < kMaxQueryParameters; ++i) target += "a&";
  EXPECT_TRUE(CanonicalUri("a.example", target, sorted, uri).ok());
  EXPECT_FALSE(CanonicalUri("a.example", target + "a", sorted, uri).ok());
  EXPECT_TRUE(CanonicalHost(std::string(63, 'a') + ".example").ok());
  EXPECT_FALSE(CanonicalHost(std::string(64, 'a') + ".example").ok());
}

TEST(ContentIdentityTest, BringsTheNamesOfRulesToTheSameForm) {
  EXPECT_EQ(*CanonicalName("na%6de%2f"), "name%2F");
  EXPECT_FALSE(CanonicalName("").ok());
  EXPECT_FALSE(CanonicalName("a=b").ok());
  EXPECT_FALSE(CanonicalName("a%zz").ok());
}

TEST(ContentIdentityTest, SplitsWhatPeopleType) {
  const auto parts = SplitUri("HTTPS://Example.com:443?x");
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(parts->host, "Example.com:443");
  EXPECT_EQ(parts->target, "?x");
  EXPECT_EQ(SplitUri("http://a.example")->target, "/");
  EXPECT_FALSE(SplitUri("a.example/x").ok());
  EXPECT_FALSE(SplitUri("ftp://a.example/x").ok());
  EXPECT_FALSE(SplitUri("http://me@a.example/x").ok());
}

TEST(ContentKeyTest, IsItsOwnText) {
  const ContentKey key{0x0123456789abcdef, 0xfedcba9876543210};
  EXPECT_EQ(ToString(key), "0123456789abcdeffedcba9876543210");
  EXPECT_EQ(ParseContentKey("0123456789ABCDEFfedcba9876543210"), key);
  EXPECT_EQ(ParseContentKey("0123"), std::nullopt);
  EXPECT_EQ(ParseContentKey("0123456789abcdeffedcba987654321g"), std::nullopt);
}

TEST(ContentKeyTest, IsOrderedAsItsBytesAre) {
  EXPECT_LT((ContentKey{1, 9}), (ContentKey{2, 0}));
  EXPECT_LT((ContentKey{1, 8}), (ContentKey{1, 9}));
}

}  // namespace
}  // namespace strata::farm

#include "common/yaml_tree.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

std::string At(TextPosition position) {
  return std::to_string(position.line) + ":" + std::to_string(position.column);
}

// The tree in one line: text as it is, quoted text in quotes, ~ for nothing.
std::string Shape(const YamlNode& node) {
  std::string out;
  switch (node.kind) {
    case YamlNode::Kind::kNothing:
      return "~";
    case YamlNode::Kind::kText:
      return node.is_quoted ? "'" + node.text + "'" : node.text;
    case YamlNode::Kind::kList:
      for (const auto& item : node.items) out += (out.empty() ? "" : ", ") + Shape(*item);
      return "[" + out + "]";
    case YamlNode::Kind::kMap:
      for (const YamlEntry& entry : node.entries) {
        out += (out.empty() ? "" : ", ") + entry.key + ": " + Shape(*entry.value);
      }
      return "{" + out + "}";
  }
  return out;
}

// The shape, or the errors.
std::string Read(std::string_view text) {
  const YamlDocument document = ParseYaml(text);
  std::string out = document.root == nullptr ? "" : Shape(*document.root);
  for (const TextError& error : document.errors) {
    out += (out.empty() ? "" : " | ") + At(error.position) + " " + error.message;
  }
  return out;
}

std::string Repeated(std::string_view piece, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += piece;
  return out;
}

TEST(ParseYamlTest, ReadsMapsListsTextAndNothing) {
  EXPECT_EQ(Read("a: 1\nb:\n  - x\n  - 'y z'\nc:\nd: {e: \"1\", g: [1, 2]}\n"),
            "{a: 1, b: [x, 'y z'], c: ~, d: {e: '1', g: [1, 2]}}");
  EXPECT_EQ(Read("a: |\n  x\n  y\n"), "{a: 'x\ny\n'}");
  EXPECT_EQ(Read("'quoted key': 1"), "{quoted key: 1}");
  EXPECT_EQ(Read("---\na: 1\n...\n"), "{a: 1}");
}

TEST(ParseYamlTest, ReadsAnEmptyTextAsNothing) {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n", "\xef\xbb\xbf"}) {
    EXPECT_EQ(Read(text), "~") << text;
  }
}

TEST(ParseYamlTest, KeepsThePlaceOfEachKeyAndValue) {
  for (const std::string mark : {"", "\xef\xbb\xbf"}) {
    const YamlDocument document = ParseYaml(mark + "a: 1\r\nb:\n  c:  x\n");
    ASSERT_NE(document.root, nullptr);
    const YamlEntry& b = document.root->entries.at(1);
    EXPECT_EQ(At(document.root->position), "1:1");
    EXPECT_EQ(At(b.position), "2:1");
    EXPECT_EQ(At(b.value->entries.at(0).position), "3:3");
    EXPECT_EQ(At(b.value->entries.at(0).value->position), "3:7");
  }
}

TEST(ParseYamlTest, PutsNothingWhereItsKeyIs) {
  const YamlDocument document = ParseYaml("a:\n\n  # comment\nb: 1\n");
  EXPECT_EQ(At(document.root->entries.at(0).value->position), "1:1");
  EXPECT_EQ(At(ParseYaml("").root->position), "0:0");
}

TEST(ParseYamlTest, SaysWhereTheTextIsBroken) {
  EXPECT_EQ(Read("a: 1\n b: 2\n"), "2:3 broken YAML: illegal map value");
  EXPECT_EQ(Read("a: [1, 2\nb: 3\n"), "2:2 broken YAML: end of sequence flow not found");
  EXPECT_EQ(Read("a: *x\n"), "1:4 broken YAML: the referenced anchor is not defined");
}

TEST(ParseYamlTest, EndsOnAStrayComma) {
  EXPECT_EQ(Read(",a: 1\n"), "1:1 broken YAML: this cannot start a value");
  EXPECT_EQ(Read("\n  , a"), "2:3 broken YAML: this cannot start a value");
}

TEST(ParseYamlTest, FindsAQuoteThatIsNeverClosed) {
  EXPECT_EQ(Read("name: \"abc\nport: 5\n"), "3:1 broken YAML: a quote is still open here");
  EXPECT_EQ(Read("name: 'abc"), "1:11 broken YAML: a quote is still open here");
}

TEST(ParseYamlTest, ReportsAKeyGivenTwiceAndGoesOn) {
  EXPECT_EQ(Read("a: 1\nb: {c: 1, c: 2}\na: {d: 3}\n"),
            "{a: 1, b: {c: 1}} | 2:11 key given twice, first in line 2 | "
            "3:1 key given twice, first in line 1");
}

TEST(ParseYamlTest, RefusesWhatSettingsDoNotNeed) {
  EXPECT_EQ(Read("a: !!int 3"), "1:4 tags are not supported");
  EXPECT_EQ(Read("a: !x {b: c}"), "1:4 tags are not supported");
  EXPECT_EQ(Read("a: !x [b]"), "1:4 tags are not supported");
  EXPECT_EQ(Read("? [a]\n: b\n"), "1:3 a key must be a text");
  EXPECT_EQ(Read("~: b\n"), "1:1 a key must be a text");
  EXPECT_EQ(Read("a: 1\n---\nb: 1\n"), "2:1 a second document starts here; one is allowed");
}

TEST(ParseYamlTest, RefusesForeignBytes) {
  EXPECT_EQ(Read("a: 1\nb: \xff\n"), "2:4 not UTF-8");
  EXPECT_EQ(Read(std::string_view("\xff\xfe"
                                  "a\0",
                                  4)),
            "1:1 not UTF-8");  // UTF-16.
  EXPECT_EQ(Read("a: \x07"), "1:4 a control character");
  EXPECT_EQ(Read(std::string_view("a: 1\0", 5)), "1:5 a control character");
  EXPECT_EQ(Read("a: \"\\0\""), "1:4 a text with a NUL in it");
  EXPECT_EQ(Read("a: \"\\u00fc\""), "{a: '\xc3\xbc'}");
}

TEST(ParseYamlTest, RefusesEscapesThatGiveNoText) {
  EXPECT_EQ(Read("a: \"x\\_y\""), "1:4 an escape that gives no UTF-8");
  EXPECT_EQ(Read("\"\\N\": y"), "1:1 an escape that gives no UTF-8");
  EXPECT_EQ(Read("a: \"x\\xa0y\""), "{a: 'x\xc2\xa0y'}");
}

TEST(ParseYamlTest, UnfoldsAliases) {
  EXPECT_EQ(Read("a: &x [1]\nb: *x\nc: {d: *x}\n"), "{a: [1], b: [1], c: {d: [1]}}");
  EXPECT_EQ(Read("a: &x 5\nb: [*x, *x]\n"), "{a: 5, b: [5, 5]}");
  const YamlDocument document = ParseYaml("a: &x [1]\nb: *x\n");
  EXPECT_EQ(document.root->nodes, 5u);
  EXPECT_EQ(document.root->height, 3u);
}

TEST(ParseYamlTest, RefusesAnAliasOfWhatItIsPartOf) {
  EXPECT_EQ(Read("a: &x [*x]"), "1:8 an alias inside the value that it stands for");
  EXPECT_EQ(Read("&x {a: {b: *x}}"), "1:12 an alias inside the value that it stands for");
}

TEST(ParseYamlTest, RefusesAliasesThatUnfoldToTooMuch) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + below +
            Repeated(", " + below, 9) + "]\n";
  }
  EXPECT_EQ(Read(text), "5:55 more than 100000 values");
}

TEST(ParseYamlTest, RefusesAliasesThatUnfoldTooDeep) {
  std::string text = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
            "]\n";
  }
  EXPECT_EQ(Read(text), "31:12 nested deeper than 32 levels");
}

TEST(ParseYamlTest, NestsDownToItsLimit) {
  const auto nested = [](size_t lists) {
    return Read(Repeated("[", lists) + "x" + Repeated("]", lists));
  };
  EXPECT_EQ(nested(kYamlDepthMax - 1), Repeated("[", 31) + "x" + Repeated("]", 31));
  EXPECT_EQ(nested(kYamlDepthMax), "1:33 nested deeper than 32 levels");
  EXPECT_EQ(nested(100'000), "1:33 nested deeper than 32 levels");
}

TEST(ParseYamlTest, HoldsValuesUpToItsLimit) {
  EXPECT_EQ(ParseYaml(Repeated("- x\n", kYamlNodesMax - 1)).root->nodes, kYamlNodesMax);
  EXPECT_EQ(Read(Repeated("- x\n", kYamlNodesMax)), "100000:3 more than 100000 values");
}

TEST(ParseYamlTest, ReadsTextsUpToItsLimit) {
  EXPECT_EQ(Read(std::string(kYamlBytesMax, '\n')), "~");
  EXPECT_EQ(Read(std::string(kYamlBytesMax + 1, '\n')), "0:0 more than 1048576 bytes");
}

}  // namespace
}  // namespace strata

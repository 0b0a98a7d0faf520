#include "cli/table.h"

#include <string>

#include "gtest/gtest.h"

namespace strata::cli {
namespace {

TEST(TableTest, AlignsColumns) {
  Table table({{"NAME"}, {"SIZE", Align::kRight}, {"REASON"}});
  table.AddRow({"a", "1", "fine"});
  table.AddRow({"longer-name", "12345", ""});
  EXPECT_EQ(table.Render({}),
            "NAME          SIZE  REASON\n"
            "a                1  fine\n"
            "longer-name  12345\n");
}

TEST(TableTest, CountsCharactersNotBytes) {
  Table table({{"N"}, {"X"}});
  table.AddRow({"é", "1"});
  table.AddRow({"日本", "2"});
  table.AddRow({"abcd", "3"});
  EXPECT_EQ(table.Render({}), "N     X\né     1\n日本  2\nabcd  3\n");
}

TEST(TableTest, LeavesOutColumnsWithNothingInThem) {
  Table table({{"NAME"}, {"REASON"}, {"SIZE"}});
  table.AddRow({"a", "", "1"});
  EXPECT_EQ(table.Render({}), "NAME  SIZE\na     1\n");
}

TEST(TableTest, ColoursDoNotMoveColumns) {
  Table table({{"S"}, {"N", Align::kRight}});
  table.AddRow({{"up", Colour::kGreen}, "1"});
  table.AddRow({{"down", Colour::kRed}, {"22", Colour::kGrey}});
  EXPECT_EQ(table.Render({.colours = true, .width = {}}),
            "\x1b[1mS\x1b[0m      \x1b[1mN\x1b[0m\n"
            "\x1b[32mup\x1b[0m     1\n"
            "\x1b[31mdown\x1b[0m  \x1b[90m22\x1b[0m\n");
}

TEST(TableTest, CutsTheLastColumnToTheTerminal) {
  Table table({{"N"}, {"REASON"}});
  table.AddRow({"a", "a reason that is long"});
  EXPECT_EQ(table.Render({.colours = false, .width = 15}), "N  REASON\na  a reason th…\n");
}

TEST(TableTest, ObeysNoCodesOfOthers) {
  Table table({{"N"}});
  table.AddRow({"a\x1b[2J\nb\xff\xc2\x9b"});
  EXPECT_EQ(table.Render({}), "N\na?[2J?b??\n");
}

}  // namespace
}  // namespace strata::cli

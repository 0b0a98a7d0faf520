import textwrap
import unittest

import cpp_source


def lengths(text):
    return {name: lines for name, _, lines in cpp_source.functions(textwrap.dedent(text))}


class FunctionsTest(unittest.TestCase):

    def test_measures_from_the_name_to_the_closing_brace(self):
        self.assertEqual(lengths("""
            namespace a::b {
            int F(int x) {
              if (x) {
                return 1;
              }
              return 2;
            }
            }  // namespace
            """), {"F": 6})

    def test_finds_methods_inside_and_outside_their_class(self):
        self.assertEqual(lengths("""
            class Nak : public Base<int> {
             public:
              explicit Nak(int x) : x_(x), y_{x} {}
              int x() const { return x_; }
             private:
              int x_ = 0;
              std::vector<int> y_{1, 2};
            };
            bool Nak::Due(Timestamp now) const noexcept {
              return now > x_;
            }
            """), {"Nak": 1, "x": 1, "Nak::Due": 3})

    def test_reads_constructors_with_braces_in_their_initializers(self):
        self.assertEqual(lengths("""
            Link::Link(Settings s)
                : settings_{s},
                  random_(s.seed),
                  queue_{} {
              Start();
            }
            """), {"Link::Link": 6})

    def test_reads_operators_trailing_returns_and_templates(self):
        self.assertEqual(lengths("""
            template <typename T>
            auto Twice(T t) -> std::pair<T, T> {
              return {t, t};
            }
            bool operator==(const A& a, const A& b) {
              return a.x == b.x;
            }
            """), {"Twice": 4, "operator==": 3})

    def test_names_tests_by_suite_and_case(self):
        self.assertEqual(lengths("""
            TEST_F(NakTest, Repeats) {
              Run([&] {
                Step();
              });
            }
            """), {"NakTest.Repeats": 5})

    def test_takes_no_table_and_no_enum_for_a_function(self):
        self.assertEqual(lengths("""
            enum class E : uint8_t { kA, kB };
            constexpr Entry kTable[] = {
                {1, Size(2)},
                {3, Size(4)},
            };
            const auto kF = Make({1});
            struct S { int a = 1; };
            """), {})

    def test_is_not_misled_by_braces_in_comments_and_literals(self):
        self.assertEqual(lengths("""
            int F() {  // {
              Put("}{", '{', R"x(}})x");  /* { */
              const int n = 1'000'000;
              return n;
            }
            int G() { return 1; }
            """), {"F": 5, "G": 1})


class IncludesTest(unittest.TestCase):

    def test_finds_both_kinds_and_not_those_in_comments(self):
        text = '#include <bit>\n// #include <thread>\n#include "a/b.h"\n'
        self.assertEqual(list(cpp_source.includes(text)), [(1, "<bit>"), (3, '"a/b.h"')])


if __name__ == "__main__":
    unittest.main()

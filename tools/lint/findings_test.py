import unittest

from findings import Finding, apply_exceptions, parse_exceptions


def long_file(size):
    return Finding("file-length", "a/b.cc", "too long", size=size)


class ExceptionsTest(unittest.TestCase):

    def test_reads_rule_place_and_size_and_leaves_reasons_out(self):
        text = "# head\n\nfile-length a/b.cc 600  # why\ntoken c.cc:throw\n"
        wanted = {("file-length", "a/b.cc"): 600, ("token", "c.cc:throw"): 0}
        self.assertEqual(parse_exceptions(text), wanted)

    def test_refuses_a_line_that_it_does_not_understand(self):
        with self.assertRaises(ValueError):
            parse_exceptions("file-length\n")

    def test_keeps_what_nothing_excuses(self):
        self.assertEqual(apply_exceptions([long_file(600)], {}), [long_file(600)])

    def test_excuses_what_is_exactly_as_large_as_listed(self):
        self.assertEqual(apply_exceptions([long_file(600)], {("file-length", "a/b.cc"): 600}), [])

    def test_reports_what_grew_beyond_its_exception(self):
        kept = apply_exceptions([long_file(601)], {("file-length", "a/b.cc"): 600})
        self.assertEqual(kept, [long_file(601)])

    def test_demands_a_lower_exception_when_the_file_shrank(self):
        kept = apply_exceptions([long_file(590)], {("file-length", "a/b.cc"): 600})
        self.assertEqual([finding.rule for finding in kept], ["exceptions"])
        self.assertIn("to 590", kept[0].message)

    def test_demands_the_removal_of_an_exception_that_excuses_nothing(self):
        kept = apply_exceptions([], {("token", "c.cc:throw"): 0})
        self.assertEqual([finding.rule for finding in kept], ["exceptions"])

    def test_excuses_by_symbol(self):
        finding = Finding("token", "c.cc", "no", symbol="throw", line=3)
        self.assertEqual(apply_exceptions([finding], {("token", "c.cc:throw"): 0}), [])

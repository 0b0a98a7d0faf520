import unittest

import model

# Who sends A (which may be aborted) and B: the SM and another, either way, and neither.
_SENDERS = ((1, 2), (0, 1), (1, 0))


def owners(pair):
    return (f"OWNER_A={pair[0]}", f"OWNER_B={pair[1]}")


class ModelTest(unittest.TestCase):

    def check_proven(self, result):
        print(f"{self.id().split('.')[-1]}: {result.states} states", flush=True)
        self.assertTrue(result.proven, result.output + result.steps)

    def check_senders(self, pair):
        result = model.search(owners(pair))
        self.check_proven(result)
        self.assertEqual(result.unreached, [])

    def test_every_history_of_two_members_sending_is_safe(self):
        self.check_senders(_SENDERS[0])

    def test_every_history_of_the_manager_sending_what_may_be_aborted_is_safe(self):
        self.check_senders(_SENDERS[1])

    def test_every_history_of_the_manager_sending_the_other_message_is_safe(self):
        self.check_senders(_SENDERS[2])

    def test_a_message_is_never_committed_here_and_aborted_there(self):
        self.check_proven(model.search(claim="agreement"))

    def test_every_send_ends_when_a_member_crashes(self):
        for pair in _SENDERS:
            with self.subTest(pair=pair):
                self.check_proven(model.search(owners(pair) + ("SUSPICIONS=0",), "sends_end"))

    def test_every_send_ends_after_a_false_suspicion(self):
        for pair in _SENDERS:
            with self.subTest(pair=pair):
                self.check_proven(model.search(owners(pair) + ("NO_CRASH",), "sends_end"))

    def test_every_send_ends_after_both_unless_no_majority_is_left(self):
        self.check_proven(model.search(claim="sends_end_or_stuck"))


class MutantTest(unittest.TestCase):
    """The model proves something only if it tells when a rule is broken."""

    def check_caught(self, mutant, error, claim=None):
        result = model.search((f"MUTANT_{mutant}",), claim)
        print(f"{mutant}: {result.error}", flush=True)
        self.assertGreater(result.errors, 0, result.output)
        self.assertIn(error, result.error)

    def test_a_commit_without_the_slowest_is_caught(self):
        self.check_caught("COMMIT_WITHOUT_SLOWEST", "assertion")

    def test_a_commit_despite_the_abort_is_caught(self):
        self.check_caught("COMMIT_DESPITE_ABORT", "committed&aborted")

    def test_an_abort_after_the_commit_is_caught(self):
        self.check_caught("ABORT_AFTER_COMMIT", "member_log")

    def test_an_abort_closed_before_all_froze_is_caught(self):
        self.check_caught("ABORT_CLOSES_EARLY", "abort_acked")

    def test_freezing_what_was_acknowledged_at_the_owners_word_is_caught(self):
        self.check_caught("OWNER_FREEZES", "committed&aborted")

    def test_reporting_a_frozen_range_as_held_is_caught(self):
        self.check_caught("FROZEN_RANGE_REPORTED", "committed&aborted")

    def test_an_acknowledgement_after_the_promise_is_caught(self):
        self.check_caught("FROZEN_ACKS", "held")

    def test_an_abort_acknowledgement_after_the_promise_is_caught(self):
        self.check_caught("FROZEN_ABORT_ACKS", "committed&aborted")

    def test_applying_the_log_after_the_promise_is_caught(self):
        self.check_caught("FROZEN_APPLIES", "first_log")

    def test_an_ignored_promise_is_caught(self):
        self.check_caught("IGNORE_PROMISE", "j==w")

    def test_a_forgotten_acceptance_is_caught(self):
        self.check_caught("FORGET_ACCEPTED", "j==w")

    def test_a_view_without_majority_is_caught(self):
        self.check_caught("NO_MAJORITY", "j==w")

    def test_a_skipped_flush_is_caught(self):
        self.check_caught("SKIP_FLUSH", "committed&aborted")

    def test_a_flush_of_what_only_some_hold_is_caught(self):
        self.check_caught("FLUSH_BY_MAXIMUM", "held")

    def test_a_missing_take_over_is_caught(self):
        self.check_caught("NO_TAKE_OVER", "acceptance cycle", "sends_end_or_stuck")

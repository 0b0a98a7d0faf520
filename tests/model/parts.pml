/* Parts of the actions of multicast.pml. All run inside a d_step. */

#define OUT(member) (HAS(dead, member) || HAS(gone, member))
#define AGREEMENT ((committed & aborted) == 0)

#define ABORT_LOCK(member) HAS(frozen_a, member)

/* The member holds what it holds; ACKs for all of it leave, if it may send any. */
inline acknowledge(member) {
  if
  :: MAY_ACK(member) ->
     if
     :: (held[member] & A) && !ABORT_LOCK(member) && OPEN_A(member_log[member]) ->
        acked[epoch[member]] = acked[epoch[member]] | (1 << (member))
     :: else
     fi;
     if
     :: (held[member] & B) && OPEN_B(member_log[member]) ->
        acked[epoch[member]] = acked[epoch[member]] | (8 << (member))
     :: else
     fi
  :: else
  fi
}

/* Applies one log record at a member of `view`. */
inline apply(member, record, view) {
  assert((DECIDED(member_log[member]) & (record)) == 0); /* Delivered once. */
  assert(!((record) & (A | ABORTED_A)) || OPEN_A(member_log[member]));
  j = 0;
  do
  :: j < 3 -> /* Every live full member holds what is delivered. */
     assert(!HAS(members[view], j) || OUT(j) || (held[j] & (record)&3) == ((record)&3));
     j++
  :: else -> break
  od;
  member_log[member] = APPENDED(member_log[member], record);
  committed = committed | ((record)&3);
  if
  :: (record) == ABORTED_A ->
     aborted = aborted | A;
     held[member] = held[member] & ~A
  :: else
  fi;
  if
  :: (record) & (A | ABORTED_A) -> frozen_a = frozen_a & ~(1 << (member))
  :: else
  fi;
  assert(AGREEMENT)
}

inline forget_reports(candidate) {
  enough = enough & ~(1 << (candidate));
  i = 0;
  do
  :: i < 3 ->
     reports[3 * (candidate) + i] = 0;
     reported_logs[3 * (candidate) + i] = 0;
     i++
  :: else -> break
  od
}

/* What nobody reads any more is set to zero, so that equal states are equal. */
inline tidy() {
  i = 0;
  do
  :: i < proposals ->
     w = CANDIDATE(i);
     if
     :: stage[i] == kInstalled && (OUT(w) || promised[w] != i) ->
        acked[i] = 0;
        abort_acked[i] = 0
     :: else
     fi;
     i++
  :: else -> break
  od
}

/* Ends a member's sends as Unknown and forgets its state. */
inline forget(member) {
  held[member] = 0;
  member_log[member] = 0;
  frozen_a = frozen_a & ~(1 << (member));
  forget_reports(member);
  tidy()
}

/* Section 8.4, first half: W, whether it is resolved, and whether the promises suffice. Leaves
 * w, resolved, ok, who (the reporters). */
inline judge(candidate) {
  w = 0;
  resolved = 0;
  who = 0;
  i = 0;
  do
  :: i < 3 ->
     if
     :: REPORTED(reports[3 * (candidate) + i]) ->
        who = who | (1 << i);
        j = REPORTED_VIEW(reports[3 * (candidate) + i]);
        if
        :: ballot[j] > ballot[w] ->
           w = j;
           resolved = REPORTED_INSTALLED(reports[3 * (candidate) + i])
        :: ballot[j] == ballot[w] ->
           resolved = resolved | REPORTED_INSTALLED(reports[3 * (candidate) + i])
        :: else
        fi
     :: else
     fi;
     i++
  :: else -> break
  od;
  ok = NO_MAJORITY || MAJORITY(who, members[w]);
  i = 0;
  do
  :: i < VIEWS ->
     if
     :: !resolved && HAS(quorums[w], i) && !NO_MAJORITY -> ok = ok && MAJORITY(who, members[i])
     :: else
     fi;
     i++
  :: else -> break
  od
}

/* A member reports to the candidate of its promised ballot, who hears it: a report that is late
 * is one that the candidate does not look at yet. */
inline report(member, candidate) {
  if
  :: ballot[accepted[member]] > ballot[epoch[member]] && !FORGET_ACCEPTED ->
     reports[3 * (candidate) + (member)] =
        REPORT(1, HAS(gone, member), REPORTABLE(member), accepted[member], 0)
  :: else ->
     reports[3 * (candidate) + (member)] =
        REPORT(1, HAS(gone, member), REPORTABLE(member), epoch[member], 1)
  fi;
  reported_logs[3 * (candidate) + (member)] = member_log[member];
  judge(candidate);
  if
  :: ok -> enough = enough | (1 << (candidate))
  :: else -> enough = enough & ~(1 << (candidate))
  fi
}

/* Survivors, their longest log, and the flush. */
inline decide_survivors(candidate) {
  survivors = 0;
  log = (resolved -> 0 : first_log[w]);
  flush = FLUSH_START;
  i = 0;
  do
  :: i < 3 ->
     j = reports[3 * (candidate) + i];
     if
     :: REPORTED(j) && !REPORTED_GONE(j) && HAS(members[w], i) ->
        survivors = survivors | (1 << i);
        flush = FLUSH_STEP(flush, REPORTED_HELD(j));
        j = reported_logs[3 * (candidate) + i];
        if
        :: PREFIX(log, j) -> log = j
        :: else -> assert(PREFIX(j, log)) /* Survivors agree on the order. */
        fi
     :: else
     fi;
     i++
  :: else -> break
  od;
  if
  :: !OPEN_A(log) -> flush = flush & ~A
  :: else
  fi;
  if
  :: !OPEN_B(log) -> flush = flush & ~B
  :: else
  fi
}

#define ACCEPTED_BY_QUORUM(view, of) \
  (!HAS(quorums[view], of) || MAJORITY(accepted_by[view], members[of]))

inline judge_quorums(view) {
  ok = 1;
  i = 0;
  do
  :: i < VIEWS -> ok = ok && ACCEPTED_BY_QUORUM(view, i); i++
  :: else -> break
  od;
  ok = ok || NO_MAJORITY
}

/* Effective views lie on one line of predecessors. */
inline accept(member, view) {
  accepted[member] = view;
  accepted_by[view] = accepted_by[view] | (1 << (member));
  judge_quorums(view);
  if
  :: ok && !HAS(effective, view) ->
     effective = effective | (1 << (view));
     i = 0;
     do
     :: i < VIEWS ->
        if
        :: HAS(effective, i) && i != (view) ->
           j = (ballot[i] > ballot[view] -> i : (view));
           w = (ballot[i] > ballot[view] -> (view) : i);
           do
           :: ballot[j] > ballot[w] -> j = before[j]
           :: else -> break
           od;
           assert(j == w)
        :: else
        fi;
        i++
     :: else -> break
     od
  :: else
  fi
}

/* A message of a sender that is not in the view, and that the flush did not commit. */
inline discard(member, message, owner) {
  if
  :: (sent & (message)) && !HAS(members[epoch[member]], owner) &&
     ((message) == A -> OPEN_A(member_log[member]) : OPEN_B(member_log[member])) ->
     aborted = aborted | (message);
     held[member] = held[member] & ~(message);
     if
     :: (message) == A -> frozen_a = frozen_a & ~(1 << (member))
     :: else
     fi;
     assert(AGREEMENT)
  :: else
  fi
}

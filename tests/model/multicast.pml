/* The multicast protocol's transfer, commit, abort and take-over (docs/protocols/multicast.md,
 * sections 5 to 8): three members, two messages, one crash, one false suspicion. README.md says
 * what is modelled, what is not, and which -D options there are.
 *
 * Packets: what was sent can be received by anybody at any later time, or never, and again and
 * again. So a packet is a fact that stays true; "receive" is an action that reads it. */

#ifndef OWNER_A
#define OWNER_A 1 /* Who sends message A, the one that may be aborted. */
#endif
#ifndef OWNER_B
#define OWNER_B 2
#endif
#ifndef VIEWS
#define VIEWS 5 /* The first view and the proposals, successful or not. */
#endif
#include "mutants.pml"

/* Messages, and sets of them. As log records: commit of the set, or the closing of A's abort. */
#define A 1
#define B 2
#define ABORTED_A 4

/* Sets of members are masks. */
#define ME (1 << m)
#define HAS(set, member) (((set) >> (member)) & 1)
#define COUNT(set) (((set)&1) + (((set) >> 1) & 1) + (((set) >> 2) & 1))
#define MAJORITY(set, voters) (COUNT((set) & (voters)) * 2 > COUNT(voters))

/* A log is at most two records, four bits each; 0 is the empty log. */
#define DECIDED(log) (((log) | ((log) >> 4)) & 7)
#define APPENDED(log, record) ((log) == 0 -> (record) : ((log) | ((record) << 4)))
#define NEXT(log, of) ((log) == 0 -> ((of)&15) : ((of) >> 4))
#define PREFIX(log, of) ((log) == (of) || (log) == 0 || ((log) < 16 && ((of)&15) == (log)))
#define OPEN_A(log) ((DECIDED(log) & (A | ABORTED_A)) == 0)
#define OPEN_B(log) ((DECIDED(log) & B) == 0)

/* ---- Proposals; number 0 is the founding view, whose SM is member 0. */
byte proposals = 1;
byte ballot[VIEWS];  /* 3 * counter + candidate */
byte stage[VIEWS];   /* kFree … kInstalled */
byte members[VIEWS]; /* The view's full members; all are managers, so all are voters. */
byte before[VIEWS];  /* W of section 8.4. */
byte quorums[VIEWS]; /* Set of views whose voters must accept. */
byte first_log[VIEWS];
byte log_of[VIEWS]; /* What the SM of this view has sent: first_log and what followed. */
byte acked[VIEWS];  /* Bits 0-2: who sent an ACK of A in this epoch, bits 3-5: of B. */
byte accepted_by[VIEWS];
byte abort_acked[VIEWS]; /* Who sent ABORT_ACK of A in this epoch. */
bit sm_aborts[VIEWS];    /* The SM of this epoch has sent ABORT of A. */

#define kFree 0
#define kCollecting 1
#define kProposed 2
#define kInstalled 3

#define CANDIDATE(view) (ballot[view] % 3)
#define ACKED_A(view) (acked[view] & 7)
#define ACKED_B(view) (acked[view] >> 3)
#define ALL_ACKED_A(view) ((ACKED_A(view) & members[view]) == members[view])
#define ALL_ACKED_B(view) ((ACKED_B(view) & members[view]) == members[view])

/* ---- Members. Their proposals are named by number. */
byte dead, gone;                  /* gone: evicted, its state forgotten; it still votes. */
byte epoch[3], promised[3], accepted[3];
byte held[3];                     /* Messages held whole. */
byte member_log[3];               /* Log applied, that is what was delivered, in order. */
byte frozen_a;                    /* Who has A frozen by an abort. */

/* What candidate c has of member m's REPORT, at 3 * c + m. */
#define REPORT(here, left, holds, view, installed) \
  ((here) | ((left) << 1) | ((holds) << 2) | ((view) << 4) | ((installed) << 7))
#define REPORTED(report) ((report)&1)
#define REPORTED_GONE(report) (((report) >> 1) & 1)
#define REPORTED_HELD(report) (((report) >> 2) & 3)
#define REPORTED_VIEW(report) (((report) >> 4) & 7)
#define REPORTED_INSTALLED(report) ((report) >> 7)
byte reports[9];
byte reported_logs[9];
byte enough; /* Candidates whose reports suffice for a decision. */

/* ---- Facts. */
byte sent;         /* Messages. */
bit abort_wanted;  /* The owner of A has sent ABORT. */
bit crashed;       /* The one crash happened. */
bit suspected;     /* The one false suspicion happened. */

/* ---- For the properties only. */
byte committed, aborted; /* Anywhere, ever. */
byte effective = 1;      /* Views that a majority of each quorum accepted. */

hidden byte i, j, w, who, survivors, log, flush;
hidden byte ok, resolved;

/* ---- Properties. */
#define AGREEMENT ((committed & aborted) == 0)
#define OUT(member) (HAS(dead, member) || HAS(gone, member))
#define ENDED_A (OUT(OWNER_A) || !OPEN_A(member_log[OWNER_A]))
#define ENDED_B (OUT(OWNER_B) || !OPEN_B(member_log[OWNER_B]))
#define SM_OUT_OF(view, member) (stage[view] == kInstalled && CANDIDATE(view) == (member))

ltl agreement { [] AGREEMENT }
ltl sends_end { <> (ENDED_A && ENDED_B) }

/* A view whose dead members leave no majority: section 1, promise 6, then promises nothing. */
inline judge_majorities() {
  ok = 1;
  i = 0;
  do
  :: i < proposals ->
     if
     :: stage[i] >= kProposed && !MAJORITY(7 & ~dead, members[i]) -> ok = 0
     :: else
     fi;
     i++
  :: else -> break
  od
}

/* ---- Parts of actions. All run inside a d_step. */

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

#define ACCEPTED_BY_QUORUM(view, of) (!HAS(quorums[view], of) || MAJORITY(accepted_by[view], members[of]))

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

/* ---- What a member does. */

#define UP (!OUT(m))
#define RUNNING (UP && promised[m] == epoch[m])
#define IS_SM (CANDIDATE(epoch[m]) == m)
#define HIGHER(view) (ballot[view] > ballot[promised[m]])

#define SEND(message, owner)                                            \
  d_step {                                                              \
    m == owner && RUNNING && !(sent & message) -> sent = sent | message; \
    held[m] = held[m] | message;                                        \
    acknowledge(m);                                                     \
    skip                                                                \
  }

#define RECEIVE(message, owner, is_open)                                              \
  d_step {                                                                            \
    UP && (sent & message) && !(held[m] & message) && is_open(member_log[m]) &&       \
    HAS(members[epoch[m]], owner) && !(message == A && ABORT_LOCK(m)) ->              \
    held[m] = held[m] | message;                                                      \
    acknowledge(m);                                                                   \
    skip                                                                              \
  }

#define READY_A (OPEN_A(log_of[epoch[m]]) && (!sm_aborts[epoch[m]] || COMMIT_DESPITE_ABORT) && ENOUGH_ACKED_A(epoch[m]))
#define READY_B (OPEN_B(log_of[epoch[m]]) && ENOUGH_ACKED_B(epoch[m]))

#define COMMIT(record, ready)                                                        \
  d_step {                                                                           \
    RUNNING && IS_SM && (ready) ->                                                   \
    assert(!((record)&A) || ALL_ACKED_A(epoch[m])); /* The SM acknowledges last. */   \
    assert(!((record)&B) || ALL_ACKED_B(epoch[m]));                                  \
    log_of[epoch[m]] = APPENDED(log_of[epoch[m]], record);                           \
    apply(m, record, epoch[m]);                                                      \
    skip                                                                             \
  }

/* Reasons to propose. The suspicion of a dead or evicted member is a true one. */
#define SEES_LOSS (promised[m] == epoch[m] && (IS_SM -> (members[epoch[m]] & (dead | gone)) != 0 : OUT(CANDIDATE(epoch[m]))))
#define SEES_FAILED_CANDIDATE (promised[m] != epoch[m] && CANDIDATE(promised[m]) != m && OUT(CANDIDATE(promised[m])) && stage[promised[m]] != kInstalled)

inline propose() {
  ballot[proposals] = 3 * (ballot[promised[m]] / 3 + 1) + m;
  stage[proposals] = kCollecting;
  forget_reports(m);
  promised[m] = proposals;
  proposals++;
  report(m, m);
  tidy()
}

#define PROMISE(view)                                                                   \
  d_step {                                                                              \
    !HAS(dead, m) && view < proposals && stage[view] == kCollecting &&                  \
    (HIGHER(view) || (FORGET_PROMISE && CANDIDATE(view) != m && promised[m] != view && epoch[m] != view)) -> \
    forget_reports(m);                                                                  \
    promised[m] = view;                                                                 \
    if                                                                                  \
    :: promised[CANDIDATE(view)] == view && !OUT(CANDIDATE(view)) -> report(m, CANDIDATE(view)) \
    :: else                                                                             \
    fi;                                                                                 \
    tidy();                                                                             \
    skip                                                                                \
  }

#define ACCEPT(view)                                                             \
  d_step {                                                                       \
    !HAS(dead, m) && view < proposals && stage[view] >= kProposed &&             \
    (promised[m] == view || HIGHER(view) || FORGET_PROMISE) &&                   \
    ballot[accepted[m]] < ballot[view] && ballot[epoch[m]] < ballot[view] ->     \
    if                                                                           \
    :: promised[m] != view -> forget_reports(m)                                  \
    :: else                                                                      \
    fi;                                                                          \
    promised[m] = view;                                                          \
    accept(m, view);                                                             \
    if                                                                           \
    :: !HAS(members[view], m) && !HAS(gone, m) ->                                \
       gone = gone | ME;                                                         \
       forget(m)                                                                 \
    :: else -> tidy()                                                            \
    fi;                                                                          \
    skip                                                                         \
  }

inline install(view) {
  assert(PREFIX(member_log[m], first_log[view])); /* Survivors agree on the order. */
  epoch[m] = view;
  do
  :: member_log[m] != first_log[view] ->
     log = NEXT(member_log[m], first_log[view]);
     apply(m, log, view)
  :: else -> break
  od;
  discard(m, A, OWNER_A);
  discard(m, B, OWNER_B);
  acknowledge(m)
}

#define INSTALL(view)                                                            \
  d_step {                                                                       \
    UP && accepted[m] == view && promised[m] == view && epoch[m] != view &&      \
    HAS(members[view], m) &&                                                     \
    (CANDIDATE(view) == m -> HAS(effective, view) : stage[view] == kInstalled) -> \
    stage[view] = kInstalled;                                                    \
    install(view);                                                               \
    tidy();                                                                      \
    skip                                                                         \
  }

/* A zombie hears of a view without it. */
#define LEAVE(view)                                                                          \
  d_step {                                                                                   \
    UP && view < proposals && stage[view] == kInstalled && !HAS(members[view], m) &&         \
    ballot[view] > ballot[epoch[m]] -> gone = gone | ME;                                     \
    forget(m);                                                                               \
    skip                                                                                     \
  }

#if VIEWS == 3
#define FOR_EACH_PROPOSAL(action) \
  ::action(1)                     \
  ::action(2)
#elif VIEWS == 4
#define FOR_EACH_PROPOSAL(action) \
  ::action(1)                     \
  ::action(2)                     \
  ::action(3)
#else
#define FOR_EACH_PROPOSAL(action) \
  ::action(1)                     \
  ::action(2)                     \
  ::action(3)                     \
  ::action(4)
#endif

proctype Member(byte m) {
end:
  do
  /* Transfer. */
  :: SEND(A, OWNER_A)
  :: SEND(B, OWNER_B)
  :: RECEIVE(A, OWNER_A, OPEN_A)
  :: RECEIVE(B, OWNER_B, OPEN_B)

  /* Commit. */
  :: COMMIT(A, READY_A)
  :: COMMIT(B, READY_B)
  :: COMMIT(A | B, READY_A && READY_B)
  :: d_step { /* COMMIT is heard. */
       UP && (promised[m] == epoch[m] || FROZEN_APPLIES) && member_log[m] != log_of[epoch[m]] ->
       assert(PREFIX(member_log[m], log_of[epoch[m]]));
       log = NEXT(member_log[m], log_of[epoch[m]]);
       apply(m, log, epoch[m]);
       skip
     }

  /* Abort. */
  :: d_step {
       m == OWNER_A && UP && (sent & A) && OPEN_A(member_log[m]) && !abort_wanted -> abort_wanted = 1
     }
  :: d_step { /* The SM decides. */
       RUNNING && IS_SM && abort_wanted && !sm_aborts[epoch[m]] &&
       (OPEN_A(log_of[epoch[m]]) || ABORT_AFTER_COMMIT) -> sm_aborts[epoch[m]] = 1;
       frozen_a = frozen_a | ME
     }
  :: d_step { /* Who has not acknowledged may freeze before that. */
       RUNNING && abort_wanted && OPEN_A(member_log[m]) && HAS(members[epoch[m]], OWNER_A) &&
       (!(held[m] & A) || OWNER_FREEZES) && !ABORT_LOCK(m) -> frozen_a = frozen_a | ME
     }
  :: d_step {
       (RUNNING || (UP && FROZEN_ABORT_ACKS)) && !IS_SM && OPEN_A(member_log[m]) &&
       ABORT_HEARD(epoch[m]) && !HAS(abort_acked[epoch[m]], m) -> frozen_a = frozen_a | ME;
       abort_acked[epoch[m]] = abort_acked[epoch[m]] | ME
     }
  :: d_step { /* The SM closes. */
       RUNNING && IS_SM && sm_aborts[epoch[m]] && (DECIDED(log_of[epoch[m]]) & ABORTED_A) == 0 &&
       (OPEN_A(log_of[epoch[m]]) || ABORT_AFTER_COMMIT) && ENOUGH_ABORT_ACKED(epoch[m]) ->
       assert(((abort_acked[epoch[m]] | ME) & members[epoch[m]]) == members[epoch[m]]);
       log_of[epoch[m]] = APPENDED(log_of[epoch[m]], ABORTED_A);
       apply(m, ABORTED_A, epoch[m]);
       skip
     }

  /* Faults. */
  :: d_step {
       !crashed && !HAS(dead, m) && CRASHES -> crashed = 1;
       dead = dead | ME;
       epoch[m] = 0;
       promised[m] = 0;
       accepted[m] = 0;
       forget(m);
       skip
     }
  :: d_step {
       !suspected && UP && proposals < VIEWS && SUSPECTS -> suspected = 1;
       propose();
       skip
     }

  /* View change. */
  :: d_step { UP && proposals < VIEWS && (SEES_LOSS || SEES_FAILED_CANDIDATE) -> propose(); skip }
  FOR_EACH_PROPOSAL(PROMISE)
  :: d_step { /* Decision. */
       UP && stage[promised[m]] == kCollecting && CANDIDATE(promised[m]) == m && HAS(enough, m) ->
       judge(m);
       decide_survivors(m);
       i = promised[m];
       if
       :: HAS(survivors, m) ->
          stage[i] = kProposed;
          members[i] = survivors;
          before[i] = w;
          quorums[i] = (1 << w) | (resolved -> 0 : quorums[w]);
          first_log[i] = (flush == 0 || SKIP_FLUSH -> log : APPENDED(log, flush));
          log_of[i] = first_log[i];
          forget_reports(m);
          accept(m, promised[m])
       :: else -> /* W is without the candidate. */
          gone = gone | ME;
          forget(m)
       fi;
       skip
     }
  FOR_EACH_PROPOSAL(ACCEPT)
  FOR_EACH_PROPOSAL(INSTALL)
  FOR_EACH_PROPOSAL(LEAVE)
  od
}

/* When nothing can happen any more, every send has ended. */
proctype Watch() {
end:
  timeout;
  d_step {
    judge_majorities();
    assert((ENDED_A && ENDED_B) || proposals == VIEWS || !ok)
  }
}

init {
  atomic {
    members[0] = 7;
    stage[0] = kInstalled;
    run Member(0);
    run Member(1);
    run Member(2);
    run Watch()
  }
}

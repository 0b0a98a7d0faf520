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
#define VIEWS 6 /* Room for the first view and all proposals; 8 is the most. */
#endif
#include "mutants.pml"
#include "state.pml"
#include "parts.pml"

/* ---- What a member does. */

#define UP (!OUT(m))
#define RUNNING (UP && promised[m] == epoch[m])
#define IS_SM (CANDIDATE(epoch[m]) == m)
#define HIGHER(view) (ballot[view] > ballot[promised[m]])

#define SEND(message, owner)                                            \
  d_step {                                                              \
    m == owner && RUNNING && !(sent & message) -> sent = sent | message; \
    printf("%d sends %d\n", m, message);                                \
    held[m] = held[m] | message;                                        \
    acknowledge(m);                                                     \
    skip                                                                \
  }

#define RECEIVE(message, owner, is_open)                                              \
  d_step {                                                                            \
    UP && (sent & message) && !(held[m] & message) && is_open(member_log[m]) &&       \
    HAS(members[epoch[m]], owner) && !(message == A && ABORT_LOCK(m)) ->              \
    printf("%d receives %d\n", m, message);                                           \
    held[m] = held[m] | message;                                                      \
    acknowledge(m);                                                                   \
    skip                                                                              \
  }

#define READY_A                                                                     \
  (OPEN_A(log_of[epoch[m]]) && (!sm_aborts[epoch[m]] || COMMIT_DESPITE_ABORT) &&    \
   ENOUGH_ACKED_A(epoch[m]))
#define READY_B (OPEN_B(log_of[epoch[m]]) && ENOUGH_ACKED_B(epoch[m]))

#define COMMIT(record, ready)                                                        \
  d_step {                                                                           \
    RUNNING && IS_SM && (ready) ->                                                   \
    printf("%d commits %d in view %d\n", m, record, epoch[m]);                       \
    assert(!((record)&A) || ALL_ACKED_A(epoch[m])); /* The SM acknowledges last. */   \
    assert(!((record)&B) || ALL_ACKED_B(epoch[m]));                                  \
    log_of[epoch[m]] = APPENDED(log_of[epoch[m]], record);                           \
    apply(m, record, epoch[m]);                                                      \
    skip                                                                             \
  }

/* Reasons to propose. The suspicion of a dead or evicted member is a true one. */
#define SEES_LOSS                                                          \
  (promised[m] == epoch[m] && (IS_SM -> (members[epoch[m]] & (dead | gone)) != 0 : \
                               TAKES_OVER && OUT(CANDIDATE(epoch[m]))))
#define SEES_FAILED_CANDIDATE                                              \
  (promised[m] != epoch[m] && CANDIDATE(promised[m]) != m &&               \
   OUT(CANDIDATE(promised[m])) && stage[promised[m]] != kInstalled)

inline propose() {
  assert(proposals < VIEWS); /* VIEWS leaves nothing out. */
  ballot[proposals] = 3 * (ballot[promised[m]] / 3 + 1) + m;
  stage[proposals] = kCollecting;
  printf("%d proposes %d, ballot %d\n", m, proposals, ballot[proposals]);
  forget_reports(m);
  promised[m] = proposals;
  proposals++;
  report(m, m);
  tidy()
}

#define PROMISE(view)                                                                   \
  d_step {                                                                              \
    !HAS(dead, m) && view < proposals && stage[view] == kCollecting &&                  \
    HIGHER(view) ->                                                                     \
    printf("%d promises %d\n", m, view);                                                \
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
    (promised[m] == view || HIGHER(view) || IGNORE_PROMISE) &&                   \
    ballot[accepted[m]] < ballot[view] && ballot[epoch[m]] < ballot[view] ->     \
    printf("%d accepts %d\n", m, view);                                          \
    if                                                                           \
    :: HIGHER(view) ->                                                           \
       forget_reports(m);                                                        \
       promised[m] = view                                                        \
    :: else                                                                      \
    fi;                                                                          \
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
  :: PREFIX(member_log[m], first_log[view]) && member_log[m] != first_log[view] ->
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
    printf("%d installs %d\n", m, view);                                         \
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
    printf("%d leaves, hearing of %d\n", m, view);                                           \
    forget(m);                                                                               \
    skip                                                                                     \
  }

#if VIEWS > 6
#define FOR_LATE_PROPOSALS(action) ::action(6) ::action(7)
#define LATE_STUCK (STUCK(6) || STUCK(7))
#else
#define FOR_LATE_PROPOSALS(action)
#define LATE_STUCK 0
#endif
#define FOR_EACH_PROPOSAL(action) \
  ::action(1)                     \
  ::action(2)                     \
  ::action(3)                     \
  ::action(4)                     \
  ::action(5)                     \
  FOR_LATE_PROPOSALS(action)

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
       printf("%d hears commit %d of view %d\n", m, log, epoch[m]);
       apply(m, log, epoch[m]);
       skip
     }

  /* Abort. */
  :: d_step {
       m == OWNER_A && UP && (sent & A) && OPEN_A(member_log[m]) && !abort_wanted ->
       printf("%d sends ABORT\n", m);
       abort_wanted = 1
     }
  :: d_step { /* The SM decides. */
       RUNNING && IS_SM && abort_wanted && !sm_aborts[epoch[m]] &&
       (OPEN_A(log_of[epoch[m]]) || ABORT_AFTER_COMMIT) -> sm_aborts[epoch[m]] = 1;
       printf("%d sends ABORT as the SM of view %d\n", m, epoch[m]);
       frozen_a = frozen_a | ME
     }
  :: d_step { /* Who has not acknowledged may freeze before that. */
       RUNNING && abort_wanted && OPEN_A(member_log[m]) && HAS(members[epoch[m]], OWNER_A) &&
       (!(held[m] & A) || OWNER_FREEZES) && !ABORT_LOCK(m) ->
       printf("%d freezes at the owner's ABORT\n", m);
       frozen_a = frozen_a | ME
     }
  :: d_step {
       (RUNNING || (UP && FROZEN_ABORT_ACKS)) && !IS_SM && OPEN_A(member_log[m]) &&
       ABORT_HEARD(epoch[m]) && !HAS(abort_acked[epoch[m]], m) ->
       printf("%d sends ABORT_ACK in view %d\n", m, epoch[m]);
       frozen_a = frozen_a | ME;
       abort_acked[epoch[m]] = abort_acked[epoch[m]] | ME
     }
  :: d_step { /* The SM closes. */
       RUNNING && IS_SM && sm_aborts[epoch[m]] && (DECIDED(log_of[epoch[m]]) & ABORTED_A) == 0 &&
       (OPEN_A(log_of[epoch[m]]) || ABORT_AFTER_COMMIT) && ENOUGH_ABORT_ACKED(epoch[m]) ->
       assert(((abort_acked[epoch[m]] | ME) & members[epoch[m]]) == members[epoch[m]]);
       printf("%d closes the abort in view %d\n", m, epoch[m]);
       log_of[epoch[m]] = APPENDED(log_of[epoch[m]], ABORTED_A);
       apply(m, ABORTED_A, epoch[m]);
       skip
     }

  /* Faults. */
  :: d_step {
       !crashed && !HAS(dead, m) && CRASHES ->
       printf("%d crashes\n", m);
       crashed = 1;
       dead = dead | ME;
       epoch[m] = 0;
       promised[m] = 0;
       accepted[m] = 0;
       forget(m);
       skip
     }
  :: d_step {
       suspected < SUSPICIONS && UP -> suspected++;
       propose();
       skip
     }

  /* View change. */
  :: d_step { UP && (SEES_LOSS || SEES_FAILED_CANDIDATE) -> propose(); skip }
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
          printf("%d decides on %d: members %d after %d, flush %d\n", m, i, survivors, w, flush);
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

init {
  atomic {
    members[0] = 7;
    stage[0] = kInstalled;
    run Member(0);
    run Member(1);
    run Member(2)
  }
}

/* ---- Properties. */
#define ENDED_A (OUT(OWNER_A) || !OPEN_A(member_log[OWNER_A]))
#define ENDED_B (OUT(OWNER_B) || !OPEN_B(member_log[OWNER_B]))
/* A view whose dead members leave no majority: nothing is promised then (section 1, promise 6). */
#define STUCK(view) (stage[view] >= kProposed && !MAJORITY(7 & ~dead, members[view]))
#define ANY_STUCK \
  (STUCK(0) || STUCK(1) || STUCK(2) || STUCK(3) || STUCK(4) || STUCK(5) || LATE_STUCK)

ltl agreement { [] AGREEMENT }
ltl sends_end { <> (ENDED_A && ENDED_B) }
ltl sends_end_or_stuck { <> ((ENDED_A && ENDED_B) || ANY_STUCK) }

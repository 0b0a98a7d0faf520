/* The rules that a -DMUTANT_… of the model breaks; README.md lists them. */

#ifdef NO_CRASH
#define CRASHES 0
#else
#define CRASHES 1
#endif

#ifndef SUSPICIONS
#define SUSPICIONS 1
#endif

#ifdef MUTANT_NO_TAKE_OVER
#define TAKES_OVER 0
#else
#define TAKES_OVER 1
#endif

#ifdef MUTANT_COMMIT_WITHOUT_SLOWEST
#define ENOUGH_ACKED_A(view) (COUNT(ACKED_A(view) & members[view]) + 1 >= COUNT(members[view]))
#define ENOUGH_ACKED_B(view) (COUNT(ACKED_B(view) & members[view]) + 1 >= COUNT(members[view]))
#else
#define ENOUGH_ACKED_A(view) ALL_ACKED_A(view)
#define ENOUGH_ACKED_B(view) ALL_ACKED_B(view)
#endif

#ifdef MUTANT_ABORT_CLOSES_EARLY
#define ENOUGH_ABORT_ACKED(view) 1
#else
#define ENOUGH_ABORT_ACKED(view) (((abort_acked[view] | ME) & members[view]) == members[view])
#endif

#ifdef MUTANT_ABORT_AFTER_COMMIT
#define ABORT_AFTER_COMMIT 1
#else
#define ABORT_AFTER_COMMIT 0
#endif

#ifdef MUTANT_COMMIT_DESPITE_ABORT
#define COMMIT_DESPITE_ABORT 1
#else
#define COMMIT_DESPITE_ABORT 0
#endif

/* Who has acknowledged A freezes, and says so, as soon as it hears the owner's ABORT. */
#ifdef MUTANT_OWNER_FREEZES
#define OWNER_FREEZES 1
#define ABORT_HEARD(view) abort_wanted
#else
#define OWNER_FREEZES 0
#define ABORT_HEARD(view) sm_aborts[view]
#endif

#ifdef MUTANT_FROZEN_RANGE_REPORTED
#define REPORTABLE(member) held[member]
#else
#define REPORTABLE(member) (held[member] & ~HAS(frozen_a, member))
#endif

#ifdef MUTANT_FROZEN_ACKS
#define MAY_ACK(member) (!OUT(member))
#else
#define MAY_ACK(member) (!OUT(member) && promised[member] == epoch[member])
#endif

#ifdef MUTANT_FROZEN_ABORT_ACKS
#define FROZEN_ABORT_ACKS 1
#else
#define FROZEN_ABORT_ACKS 0
#endif

#ifdef MUTANT_FROZEN_APPLIES
#define FROZEN_APPLIES 1
#else
#define FROZEN_APPLIES 0
#endif

#ifdef MUTANT_NO_MAJORITY
#define NO_MAJORITY 1
#else
#define NO_MAJORITY 0
#endif

#ifdef MUTANT_FORGET_ACCEPTED
#define FORGET_ACCEPTED 1
#else
#define FORGET_ACCEPTED 0
#endif

#ifdef MUTANT_IGNORE_PROMISE
#define IGNORE_PROMISE 1
#else
#define IGNORE_PROMISE 0
#endif

#ifdef MUTANT_SKIP_FLUSH
#define SKIP_FLUSH 1
#else
#define SKIP_FLUSH 0
#endif

#ifdef MUTANT_FLUSH_BY_MAXIMUM
#define FLUSH_START 0
#define FLUSH_STEP(flush, holds) ((flush) | (holds))
#else
#define FLUSH_START 3
#define FLUSH_STEP(flush, holds) ((flush) & (holds))
#endif

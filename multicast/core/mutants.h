#pragma once

// Deliberate faults of the core, for the campaign that proves that the simulation catches them
// (tests/simulation/README.md). In every ordinary build STRATA_MUTANT(x) is the constant false and
// nothing of this remains in the binary; only the target //multicast/core:core_with_mutants defines
// STRATA_WITH_MUTANTS.
namespace strata::multicast {

#define STRATA_MUTANTS(X)                                                                 \
  X(kSkipFlush)              /* A new view commits nothing that the survivors hold. */    \
  X(kFlushByMaximum)         /* The flush takes the largest held position. */             \
  X(kAckNotHeld)             /* ACK tells the highest seq seen, gaps or not. */           \
  X(kViewWithoutMajority)    /* A proposal needs no quorum. */                            \
  X(kPromiseForgotten)       /* A member answers any ballot. */                           \
  X(kCommitWithoutSlowest)   /* The SM's minimum leaves one member out. */                \
  X(kCommitMidMessage)       /* Commit positions are not cut to message ends. */          \
  X(kDeliverOnReceipt)       /* Committed messages are delivered when held. */            \
  X(kAbortClosesEarly)       /* The SM closes an abort before the others froze. */        \
  X(kAbortAfterCommit)       /* The SM aborts what it had committed. */                   \
  X(kDiscardOnAbort)         /* Members discard at ABORT, not at its closing. */          \
  X(kZombieAccepted)         /* Packets of lower epochs are taken. */                     \
  X(kOldIncarnationAccepted) /* A restarted member's earlier packets are taken. */        \
  X(kLogGapIgnored)          /* Log records are applied with a number missing. */         \
  X(kOrderBySlotReversed)    /* One member applies a commit in another order. */          \
  X(kFrozenStillAcks)        /* A member goes on acknowledging after its promise. */      \
  X(kLearnerPromotedEarly)   /* A learner becomes full without holding what it should. */ \
  X(kSnapshotNotTrimmed)     /* What the snapshot contains is delivered again. */         \
  X(kResendIgnored)          /* Nobody answers requests. */                               \
  X(kTailNotAnnounced)       /* A lost last packet is never told of. */                   \
  X(kUnknownCalledAborted)   /* An evicted sender calls its open sends aborted. */        \
  X(kReadyForAnySm)          /* Who was ready under one SM is under the next one too. */  \
  X(kFullBeforeReady)        /* Learners are made full before the application is ready.*/ \
  X(kLeadsUnlessFull)        /* Who was no full member leads for who is away. */

enum class Mutant : int {
  kNone,
#define X(id) id,
  STRATA_MUTANTS(X)
#undef X
};

#ifdef STRATA_WITH_MUTANTS
extern Mutant active_mutant;
#define STRATA_MUTANT(id) (::strata::multicast::active_mutant == ::strata::multicast::Mutant::id)
#else
#define STRATA_MUTANT(id) false
#endif

}  // namespace strata::multicast

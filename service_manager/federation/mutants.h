#pragma once

// Deliberate faults of the pure rooms of the federation, for the campaign that proves that the
// simulation catches them (tests/simulation/federation/README.md). In every ordinary build
// STRATA_MUTANT(x) is the constant false and nothing of this remains in the binary; only the
// targets *_with_mutants of feed/, policy/ and locate/ see STRATA_WITH_MUTANTS. Included by sources
// only, never by headers.
namespace strata::manager::federation {

#define STRATA_FEDERATION_MUTANTS(X)                                                           \
  X(kAckBeforeDurable)      /* The parent acknowledges what its store has not synced. */       \
  X(kResumeOneLate)         /* A stream goes on behind one record too many. */                 \
  X(kEpochNotCompared)      /* A manager goes on where another one's feed ended. */            \
  X(kDeposedHeard)          /* The parent takes the feed of a manager that was deposed. */     \
  X(kOverflowForgotten)     /* What finds no room is never told. */                            \
  X(kBehindCursorLost)      /* Changes behind the cursor of a range's telling are lost. */     \
  X(kNotLaidOver)           /* Changes while a step is read are not laid over it. */           \
  X(kAnswerTakenAsHeard)    /* Digests whose answer was lost are not asked again. */           \
  X(kLastDigestSkipped)     /* The last range of a digests record is not compared. */          \
  X(kIntervalTakesNothing)  /* What an interval does not name stays. */                        \
  X(kOldFlagsCounted)       /* A copy with other flags counts twice in the digests. */         \
  X(kForgottenCounted)      /* A forgotten child's digests are kept. */                        \
  X(kOldRuleKept)           /* Another policy says nothing of what is known already. */        \
  X(kSecondWalkThoughtDone) /* The third policy takes the second one's walk as done. */        \
  X(kFirstCopyUncounted)    /* The first copy of a scope is not told. */                       \
  X(kLastCopyKept)          /* A scope's last copy is not taken back. */                       \
  X(kScopeFlagsOfLast)      /* A scope has the flags of its last change, not of all. */        \
  X(kHopsNotCounted)        /* Questions go on for ever. */                                    \
  X(kVisitedNotPassedOn)    /* Who asks does not name itself. */                               \
  X(kMergedAnsweredOnce)    /* Of those who wait for one answer the first one gets it. */      \
  X(kJoinsFewerHops)        /* A question waits for one that may not go as far. */             \
  X(kStaleServes)           /* Copies that nobody hears of keep a question from climbing. */   \
  X(kKeptAnew)              /* A kept answer is kept by others as if it were fresh. */         \
  X(kPurgeKeepsAnswers)     /* Answers from before a purge are given again. */                 \
  X(kPurgeKeepsAsks)        /* Answers that were on their way at a purge are taken. */         \
  X(kPurgeNotAsked)         /* Questions do not say which purge must be applied. */            \
  X(kBehindAnswers)         /* Who has not applied the purge answers all the same. */          \
  X(kForgottenNotAsked)     /* Purges that are not remembered one by one count for nothing. */ \
  X(kRestoredNotAsked)      /* Nor those from before a start. */

enum class Mutant : int {
  kNone,
#define X(id) id,
  STRATA_FEDERATION_MUTANTS(X)
#undef X
};

#ifdef STRATA_WITH_MUTANTS
extern Mutant active_mutant;
#define STRATA_MUTANT(id) \
  (::strata::manager::federation::active_mutant == ::strata::manager::federation::Mutant::id)
#else
inline constexpr bool kMutant = false;  // No literal: conditions on it are not to be simplified.
#define STRATA_MUTANT(id) ::strata::manager::federation::kMutant
#endif

}  // namespace strata::manager::federation

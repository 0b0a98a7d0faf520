/* What there is: packets, members, proposals; and how it is written down. */

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
byte suspected;    /* False suspicions so far. */

/* ---- For the properties only. */
byte committed, aborted; /* Anywhere, ever. */
byte effective = 1;      /* Views that a majority of each quorum accepted. */

hidden byte i, j, w, who, survivors, log, flush;
hidden byte ok, resolved;

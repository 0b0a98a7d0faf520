#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace strata::multicast {

// The core's counters: one numbered declaration that metrics, tools and documents derive from. The
// numbers never change their meaning; new ones go to the end.
#define STRATA_MULTICAST_COUNTERS(X)                                                        \
  X(kDataSent, "data_sent", "DATA packets sent first time")                                 \
  X(kRepairsSent, "repairs_sent", "DATA packets sent again")                                \
  X(kRepairBytesSent, "repair_bytes_sent", "Payload bytes sent again")                      \
  X(kRecordsSent, "records_sent", "Records sent first time")                                \
  X(kDataReceived, "data_received", "DATA packets taken")                                   \
  X(kRecordsReceived, "records_received", "New records taken")                              \
  X(kDuplicateRecords, "duplicate_records", "Records that were here already")               \
  X(kAcksSent, "acks_sent", "ACK packets sent")                                             \
  X(kAcksReceived, "acks_received", "ACK packets taken")                                    \
  X(kResendsSent, "resends_sent", "RESEND packets sent")                                    \
  X(kResendRequests, "resend_requests", "Ranges asked for in RESEND packets")               \
  X(kResendsSuppressed, "resends_suppressed", "Requests not sent: somebody else had asked") \
  X(kResendsIgnored, "resends_ignored", "Requests not answered: just sent again")           \
  X(kTailsAnnounced, "tails_announced", "Heartbeats that asked for acknowledgement")        \
  X(kCommitsSent, "commits_sent", "COMMIT packets sent")                                    \
  X(kLogRecords, "log_records", "Log records applied")                                      \
  X(kMessagesDelivered, "messages_delivered", "Messages handed to the application")         \
  X(kBytesDelivered, "bytes_delivered", "Payload bytes handed to the application")          \
  X(kSends, "sends", "Messages accepted for sending")                                       \
  X(kSendsRefused, "sends_refused", "Sends refused")                                        \
  X(kSendsCommitted, "sends_committed", "Sends that ended committed")                       \
  X(kSendsAborted, "sends_aborted", "Sends that ended aborted")                             \
  X(kSendsUnknown, "sends_unknown", "Sends that ended unknown")                             \
  X(kAbortsClosed, "aborts_closed", "Messages discarded by an abort")                       \
  X(kPreparesAsked, "prepares_asked", "Messages shown for preparation")                     \
  X(kPreparesRefused, "prepares_refused", "Preparations refused or timed out")              \
  X(kProposals, "proposals", "View changes started here")                                   \
  X(kProposalsFailed, "proposals_failed", "View changes given up here")                     \
  X(kViewsInstalled, "views_installed", "Views installed")                                  \
  X(kEvictions, "evictions", "Times this member lost its view")                             \
  X(kMembersEvicted, "members_evicted", "Members that left by a view installed here")       \
  X(kSnapshotsServed, "snapshots_served", "Snapshots served to learners")                   \
  X(kSnapshotsInstalled, "snapshots_installed", "Snapshots installed here")                 \
  X(kLearnerOverruns, "learner_overruns", "Joins started again: queue full or record gone") \
  X(kWindowReductions, "window_reductions", "Times the window shrank")                      \
  X(kCreditStalls, "credit_stalls", "Turns in which the limit stopped sending")             \
  X(kWindowStalls, "window_stalls", "Turns in which the window stopped sending")            \
  X(kTimeGaps, "time_gaps", "Times the process had stood still")                            \
  X(kMalformed, "rejected_malformed", "Packets rejected: body")                             \
  X(kUnknownType, "rejected_unknown_type", "Packets rejected: type")                        \
  X(kNotInView, "rejected_not_in_view", "Packets rejected: sender not in the view")         \
  X(kOldIncarnation, "rejected_old_incarnation", "Packets rejected: closed incarnation")    \
  X(kOldEpoch, "rejected_old_epoch", "Packets rejected: earlier view")                      \
  X(kBeyondLimit, "rejected_beyond_limit", "Records rejected: beyond limit or window")      \
  X(kNotSm, "rejected_not_sm", "Packets rejected: only the SM may send them")               \
  X(kNotExpected, "rejected_not_expected", "Packets rejected: no such exchange open")       \
  X(kProbesLimited, "probes_limited", "Probes not answered: too many")

enum class Counter : uint8_t {
#define X(id, name, help) id,
  STRATA_MULTICAST_COUNTERS(X)
#undef X
      kCount
};

struct CounterInfo {
  std::string_view name;
  std::string_view help;
};
inline constexpr std::array<CounterInfo, static_cast<size_t>(Counter::kCount)> kCounterInfo = {{
#define X(id, name, help) {name, help},
    STRATA_MULTICAST_COUNTERS(X)
#undef X
}};

class Counters {
 public:
  uint64_t operator[](Counter c) const { return values_[static_cast<size_t>(c)]; }
  void Add(Counter c, uint64_t n = 1) { values_[static_cast<size_t>(c)] += n; }

 private:
  std::array<uint64_t, static_cast<size_t>(Counter::kCount)> values_{};
};

}  // namespace strata::multicast

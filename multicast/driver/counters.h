#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace strata::multicast {

// The driver's counters: one numbered declaration that metrics, tools and documents derive from.
// The numbers never change their meaning; new ones go to the end.
#define STRATA_MULTICAST_DRIVER_COUNTERS(X)                                                       \
  X(kReceiveCalls, "receive_calls", "System calls that received")                                 \
  X(kReceivesEmpty, "receives_empty", "Of these, those that found nothing")                       \
  X(kReceived, "datagrams_received", "Datagrams received")                                        \
  X(kReceivedBytes, "bytes_received", "Bytes of datagrams received")                              \
  X(kReceivedCoalesced, "datagrams_received_coalesced", "Datagrams that came as part of a train") \
  X(kReceivedTruncated, "datagrams_received_truncated", "Datagrams too long for any buffer")      \
  X(kReceiveErrors, "receive_errors", "Receive calls that failed")                                \
  X(kDroppedData, "kernel_drops_data", "Datagrams the kernel dropped: data socket full")          \
  X(kDroppedAcks, "kernel_drops_acks", "Datagrams the kernel dropped: ack socket full")           \
  X(kDroppedUnicast, "kernel_drops_unicast", "Datagrams the kernel dropped: unicast socket full") \
  X(kSendCalls, "send_calls", "System calls that sent")                                           \
  X(kSent, "datagrams_sent", "Datagrams sent")                                                    \
  X(kSentBytes, "bytes_sent", "Bytes of datagrams sent")                                          \
  X(kSentSegmented, "datagrams_sent_segmented", "Datagrams that left as part of a train")         \
  X(kSendWaits, "send_waits", "Times a send waited for room")                                     \
  X(kSendsDropped, "datagrams_send_dropped", "Datagrams not sent: no room in time")               \
  X(kSendsTooBig, "datagrams_send_too_big", "Datagrams not sent: longer than the MTU")            \
  X(kSendErrors, "datagrams_send_failed", "Datagrams not sent: other errors")                     \
  X(kSegmentationRefused, "segmentation_refused", "Times the kernel refused a train")             \
  X(kLinkUps, "link_ups", "Times the interface came up")                                          \
  X(kRejoins, "group_rejoins", "Group memberships renewed")                                       \
  X(kRejoinErrors, "group_rejoin_errors", "Group memberships that could not be renewed")          \
  X(kTurns, "turns", "Turns of the driver")                                                       \
  X(kWaits, "waits", "System calls that waited")                                                  \
  X(kSpins, "spins", "Times a wait began by looking again and again")                             \
  X(kTimersPostponed, "timers_postponed", "Turns whose timers waited for undrained sockets")      \
  X(kIntercepted, "datagrams_intercepted", "Datagrams dropped by an interceptor")                 \
  X(kTooShort, "rejected_too_short", "Datagrams rejected: shorter than a header")                 \
  X(kBadMagic, "rejected_bad_magic", "Datagrams rejected: not this protocol")                     \
  X(kBadVersion, "rejected_bad_version", "Datagrams rejected: version")                           \
  X(kForeignGroup, "rejected_foreign_group", "Datagrams rejected: of another group")              \
  X(kWrongSecurity, "rejected_wrong_security",                                                    \
    "Datagrams rejected: sealed in an open group, or "                                            \
    "open in a sealed one")                                                                       \
  X(kUnknownKey, "rejected_unknown_key", "Datagrams rejected: key not known")                     \
  X(kForged, "rejected_forged", "Datagrams rejected: tag does not verify")                        \
  X(kReplayed, "rejected_replayed", "Datagrams rejected: counter seen before")                    \
  X(kOwnPacket, "rejected_own_packet", "Datagrams rejected: sent by this member")                 \
  X(kStateWrites, "state_writes", "Durable states written")                                       \
  X(kStateErrors, "state_errors", "Durable states that could not be written")                     \
  X(kCallbackInputs, "callback_inputs", "Passes in which callbacks fed the core again")           \
  X(kLateAnswers, "late_answers", "Answers and snapshots nobody waited for any more")             \
  X(kMailboxFull, "mailbox_full", "Calls of other threads refused: queue full")

enum class DriverCounter : uint8_t {
#define X(id, name, help) id,
  STRATA_MULTICAST_DRIVER_COUNTERS(X)
#undef X
      kCount
};

struct DriverCounterInfo {
  std::string_view name;
  std::string_view help;
};
inline constexpr std::array<DriverCounterInfo, static_cast<size_t>(DriverCounter::kCount)>
    kDriverCounterInfo = {{
#define X(id, name, help) {name, help},
        STRATA_MULTICAST_DRIVER_COUNTERS(X)
#undef X
    }};

// Plain numbers of one thread.
class DriverCounters {
 public:
  uint64_t operator[](DriverCounter c) const { return values_[static_cast<size_t>(c)]; }
  void Add(DriverCounter c, uint64_t n = 1) { values_[static_cast<size_t>(c)] += n; }

 private:
  std::array<uint64_t, static_cast<size_t>(DriverCounter::kCount)> values_{};
};

}  // namespace strata::multicast

// NORM (RFC 5740) by libnorm: one stream object, acknowledged by watermarks, at a fixed rate.
// Settings are the best found here: small GRTT, no back-off, parity only on demand.
//
//   norm_peer send SIZE COUNT N MBIT_PER_SECOND
//   norm_peer recv INDEX SIZE COUNT
#include <normApi.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include "tests/bench/peers/line_protocol.h"
#include "tests/bench/peers/multicast_socket.h"

namespace strata::bench {
namespace {

constexpr const char* kGroup = "239.7.7.31";
constexpr uint16_t kPort = 6003;
constexpr NormNodeId kSenderId = 1000;
constexpr uint16_t kSegmentBytes = 1400;
constexpr uint16_t kBlockSegments = 64;
constexpr uint16_t kSenderParity = 4;
constexpr uint16_t kReceiverParity = 16;
constexpr unsigned kBufferBytes = 32U << 20;
constexpr unsigned kSocketBytes = 4U << 20;
constexpr double kGrttSeconds = 0.001;
constexpr size_t kLargeMessageBytes = 60000;
constexpr int kStartMs = 60000;
constexpr int kSilenceMs = 10000;
constexpr int kEndMs = 3000;
constexpr useconds_t kCloseUs = 100000;

NormSessionHandle CreateSession(NormInstanceHandle instance, NormNodeId id) {
  NormSessionHandle session = NormCreateSession(instance, kGroup, kPort, id);
  NormSetMulticastInterface(session, "eth0");
  NormSetRxPortReuse(session, true);
  NormSetDefaultSyncPolicy(session, NORM_SYNC_ALL);
  return session;
}

// Writes messages into the stream, no further than the receivers' last acknowledged watermark
// allows.
class Sender {
 public:
  Sender(size_t size, uint64_t count, uint64_t members, double bits_per_second)
      : count_(count), session_(CreateSession(instance_, kSenderId)), message_(size) {
    NormSetGrttEstimate(session_, kGrttSeconds);
    NormSetBackoffFactor(session_, 0);
    NormSetGroupSize(session_, 10);
    NormSetFlowControl(session_, 0.0);  // Watermarks do it.
    NormSetCongestionControl(session_, false);
    NormSetTxRate(session_, bits_per_second);
    for (uint64_t i = 1; i <= members; ++i) {
      NormAddAckingNode(session_, static_cast<NormNodeId>(i));
    }
    NormStartSender(session_, static_cast<NormSessionId>(getpid()), kBufferBytes, kSegmentBytes,
                    kBlockSegments, kSenderParity);
    NormSetTxSocketBuffer(session_, kSocketBytes);
    stream_ = NormStreamOpen(session_, kBufferBytes);
    room_ = NormGetStreamBufferSegmentCount(kBufferBytes, kSegmentBytes, kBlockSegments) -
            kBlockSegments;
    Next();
  }

  void Run() {
    PrintGo();
    const int64_t started = NowNs();
    int64_t sent = 0;
    NormEvent event;
    while (!acknowledged_) {
      Write();
      if (written_all() && !closing_) {
        sent = NowNs();
        closing_ = true;
        NormStreamFlush(stream_, true, NORM_FLUSH_PASSIVE);
        NormSetWatermark(session_, stream_, true);
      }
      if (!NormGetNextEvent(instance_, &event, true)) break;
      OnEvent(event);
    }
    PrintSent(started, sent);
    NormStreamClose(stream_, false);
    usleep(kCloseUs);
  }

 private:
  bool written_all() const { return next_ == count_ && at_ == message_.size(); }
  unsigned MarkDistance() const { return room_ / 4; }

  void Next() {
    WriteNumber(message_.data(), next_++);
    at_ = 0;
  }

  void Write() {
    while (can_write_ && !written_all()) {
      if (at_ == message_.size()) Next();
      if (used_ >= room_) return;
      const size_t free = size_t{kSegmentBytes} * (room_ - used_) - partial_;
      const size_t wanted = std::min(message_.size() - at_, free);
      const unsigned written =
          NormStreamWrite(stream_, &message_[at_], static_cast<unsigned>(wanted));
      Count(written);
      if (at_ == message_.size() && at_ < kLargeMessageBytes) NormStreamMarkEom(stream_);
      if (written < wanted) can_write_ = false;
    }
  }

  void Count(unsigned written) {
    at_ += written;
    partial_ += written;
    used_ += static_cast<unsigned>(partial_ / kSegmentBytes);
    partial_ %= kSegmentBytes;
    Mark();
  }

  void Mark() {
    if (marked_ || used_ < MarkDistance()) return;
    NormSetWatermark(session_, stream_);
    marked_ = true;
  }

  void OnEvent(const NormEvent& event) {
    if (event.type == NORM_TX_QUEUE_VACANCY || event.type == NORM_TX_QUEUE_EMPTY) {
      can_write_ = true;
    } else if (event.type == NORM_TX_WATERMARK_COMPLETED) {
      if (NormGetAckingStatus(session_) != NORM_ACK_SUCCESS) {
        NormResetWatermark(session_);
      } else if (closing_) {
        acknowledged_ = true;
      } else {
        marked_ = false;
        used_ -= MarkDistance();
        can_write_ = true;
        Mark();
      }
    }
  }

  const uint64_t count_;
  NormInstanceHandle instance_ = NormCreateInstance(true);
  NormSessionHandle session_;
  NormObjectHandle stream_ = NORM_OBJECT_INVALID;
  unsigned room_ = 0;  // Segments.
  unsigned used_ = 0;
  size_t partial_ = 0;  // Bytes of a segment begun.
  std::vector<char> message_;
  uint64_t next_ = 0;
  size_t at_ = 0;
  bool can_write_ = true;
  bool marked_ = false;
  bool closing_ = false;
  bool acknowledged_ = false;
};

class Receiver {
 public:
  Receiver(NormNodeId id, size_t size, uint64_t count)
      : size_(size),
        count_(count),
        session_(CreateSession(instance_, id)),
        bytes_(std::max(size * 2, size_t{1} << 18)) {
    NormPreallocateRemoteSender(session_, kBufferBytes, kSegmentBytes, kBlockSegments,
                                kReceiverParity, kBufferBytes);
    NormSetDefaultUnicastNack(session_, false);
    NormStartReceiver(session_, kBufferBytes);
    NormSetRxSocketBuffer(session_, kSocketBytes);
  }

  // Stays a while after the end: it still has to acknowledge.
  void Run() {
    PrintReady();
    const int fd = NormGetDescriptor(instance_);
    NormEvent event;
    while (true) {
      pollfd wait = {fd, POLLIN, 0};
      const int silence = reported_ ? kEndMs : (report_.messages() > 0 ? kSilenceMs : kStartMs);
      if (poll(&wait, 1, silence) <= 0) break;
      if (!NormGetNextEvent(instance_, &event)) continue;
      OnEvent(event);
      if (report_.messages() >= count_) Report();
      if (reported_ && event.type == NORM_REMOTE_SENDER_INACTIVE) break;
    }
    Report();
    NormStopReceiver(session_);
  }

 private:
  void OnEvent(const NormEvent& event) {
    if (event.type == NORM_RX_OBJECT_NEW) stream_ = event.object;
    if (event.type == NORM_RX_OBJECT_NEW || event.type == NORM_RX_OBJECT_UPDATED) Read();
  }

  void Read() {
    while (true) {
      auto n = static_cast<unsigned>(bytes_.size() - have_);
      if (!NormStreamRead(stream_, &bytes_[have_], &n)) {  // A break in the stream.
        have_ = 0;
        NormStreamSeekMsgStart(stream_);
        continue;
      }
      if (n == 0) return;
      have_ += n;
      size_t at = 0;
      for (; have_ - at >= size_; at += size_) report_.OnMessage(&bytes_[at], size_);
      std::memmove(bytes_.data(), &bytes_[at], have_ - at);
      have_ -= at;
    }
  }

  void Report() {
    if (!reported_) report_.Print(count_);
    reported_ = true;
  }

  const size_t size_;
  const uint64_t count_;
  NormInstanceHandle instance_ = NormCreateInstance(true);
  NormSessionHandle session_;
  NormObjectHandle stream_ = NORM_OBJECT_INVALID;
  std::vector<char> bytes_;
  size_t have_ = 0;
  ReceiverReport report_;
  bool reported_ = false;
};

int Run(const std::vector<std::string_view>& words) {
  if (words.size() == 5 && words[0] == "send") {
    Sender(ParseNumber(words[1]), ParseNumber(words[2]), ParseNumber(words[3]),
           static_cast<double>(ParseNumber(words[4])) * 1e6)
        .Run();
  } else if (words.size() == 4 && words[0] == "recv") {
    Receiver(static_cast<NormNodeId>(ParseNumber(words[1])), ParseNumber(words[2]),
             ParseNumber(words[3]))
        .Run();
  } else {
    std::fprintf(stderr, "norm_peer send SIZE COUNT N MBPS | norm_peer recv INDEX SIZE COUNT\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) {
  strata::bench::DieWithParent();
  return strata::bench::Run({argv + 1, argv + argc});
}

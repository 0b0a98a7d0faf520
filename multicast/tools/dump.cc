#include "multicast/tools/dump.h"

#include <poll.h>
#include <time.h>

#include <array>
#include <memory>
#include <optional>

namespace strata::multicast {
namespace {

constexpr int kAskStopMillis = 100;

int64_t WallMicros() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

void Write(const std::vector<std::string>& lines, std::ostream& out) {
  for (const std::string& line : lines) out << line << '\n';
}

void DumpFrame(const CaptureFile::Frame& frame, int link_type, Dissector& dissector,
               std::ostream& out) {
  const auto found = FindUdp(link_type, frame.bytes);
  if (const auto* datagram = std::get_if<UdpDatagram>(&found)) {
    Write(dissector.Take(frame.time_micros, *datagram), out);
    return;
  }
  switch (std::get<FrameError>(found)) {
    case FrameError::kNotUdp:
      break;  // Somebody else's.
    case FrameError::kFragment:
      dissector.CountUndecoded("ip_fragment");
      break;
    case FrameError::kCut:
      dissector.CountUndecoded("cut");
      break;
  }
}

void DumpChannel(SocketSet& sockets, Channel channel, Dissector& dissector, std::ostream& out) {
  bool drained = false;
  while (!drained) {
    const DatagramReceiver::Result result = sockets.Receive(channel);
    drained = result.drained || result.datagrams.empty();
    const int64_t now = WallMicros();
    for (const IncomingDatagram& datagram : result.datagrams) {
      Write(dissector.Take(now, {.from = datagram.from, .to = {}, .payload = datagram.bytes}), out);
    }
  }
}

}  // namespace

Status DumpFile(CaptureFile& file, Dissector& dissector, std::ostream& out) {
  while (true) {
    STRATA_ASSIGN_OR_RETURN(const std::optional<CaptureFile::Frame> frame, file.Next());
    if (!frame) return Ok();
    DumpFrame(*frame, file.link_type(), dissector, out);
  }
}

Status DumpLive(const SocketSettings& settings, Dissector& dissector, std::ostream& out,
                const std::function<bool()>& stop) {
  DriverCounters counters;
  STRATA_ASSIGN_OR_RETURN(const std::unique_ptr<SocketSet> sockets,
                          SocketSet::Open(settings, counters));
  constexpr std::array kHeard = {Channel::kData, Channel::kAcks};
  std::array<pollfd, 3> fds{};
  for (size_t i = 0; i < kHeard.size(); ++i) {
    fds[i] = {.fd = sockets->fd(kHeard[i]), .events = POLLIN, .revents = 0};
  }
  fds[2] = {.fd = sockets->link_fd(), .events = POLLIN, .revents = 0};
  while (!stop()) {
    poll(fds.data(), fds.size(), kAskStopMillis);
    for (const Channel channel : kHeard) DumpChannel(*sockets, channel, dissector, out);
    if (fds[2].revents != 0) sockets->OnLinkEvent();
    out.flush();
  }
  return Ok();
}

void WriteSummary(const Dissector& dissector, std::ostream& out) {
  out << dissector.datagrams() << " datagrams, " << dissector.decoded() << " decoded, "
      << dissector.lines() << " lines\n";
  for (const auto& [reason, count] : dissector.undecoded()) {
    out << "  " << count << " " << reason << ": " << ExplainUndecoded(reason) << '\n';
  }
}

}  // namespace strata::multicast

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "multicast/core/fragment_joiner.h"
#include "multicast/tools/frame.h"
#include "multicast/wire/seal.h"

namespace strata::multicast {

struct DissectorOptions {
  std::optional<GroupId> group;  // None: every group.
  std::set<uint8_t> types;       // Empty: all.
  std::set<MemberId> members;    // Senders. Empty: all.
  size_t payload_bytes = 16;     // Shown of each record's payload.
  bool show_undecoded = false;   // A line for these, too.
};

// Turns datagrams of a capture, or as they arrive, into lines of text, and counts what it cannot
// read by reason. No I/O. The keys must outlive it.
class Dissector {
 public:
  static constexpr size_t kMaxGroups = 64;

  Dissector(const DissectorOptions& options, const KeyRing& keys);

  // The lines of one datagram, or of all of a train. `time_micros` is since 1970.
  std::vector<std::string> Take(int64_t time_micros, const UdpDatagram& datagram);

  // What was seen so far.
  uint64_t datagrams() const { return datagrams_; }
  uint64_t decoded() const { return decoded_; }
  uint64_t lines() const { return lines_; }
  // Reason -> datagrams that were not decoded.
  const std::map<std::string_view, uint64_t>& undecoded() const { return undecoded_; }
  void CountUndecoded(std::string_view reason) { ++undecoded_[reason]; }

 private:
  using Lines = std::vector<std::string>;

  void TakeOne(const std::string& prefix, std::span<uint8_t> datagram, Lines& lines);
  void TakeBody(const std::string& prefix, const Header& header, ByteSpan body, Lines& lines);
  void Refuse(const std::string& prefix, std::string_view reason, ByteSpan bytes, Lines& lines);
  bool Wanted(const Header& header) const;
  Opener* OpenerOf(GroupId group);

  const DissectorOptions options_;
  const KeyRing& keys_;
  std::map<GroupId, std::unique_ptr<Opener>> openers_;
  std::map<GroupId, FragmentJoiner> joiners_;
  Bytes buffer_;

  uint64_t datagrams_ = 0;
  uint64_t decoded_ = 0;
  uint64_t lines_ = 0;
  std::map<std::string_view, uint64_t> undecoded_;
};

// The reason in words, with what to do about it.
std::string_view ExplainUndecoded(std::string_view reason);

}  // namespace strata::multicast

#include "multicast/tools/dissector.h"

#include <array>
#include <cstdio>

#include "multicast/tools/line.h"
#include "multicast/tools/open_reason.h"
#include "multicast/tools/packet_text.h"
#include "multicast/tools/train.h"

namespace strata::multicast {
namespace {

constexpr std::string_view kForeignGroup = "foreign_group";
constexpr std::string_view kTooManyGroups = "too_many_groups";

struct Explanation {
  std::string_view reason;
  std::string_view text;
};
constexpr std::array kExplanations = {
    Explanation{"too_short", "shorter than a header"},
    Explanation{"bad_magic", "not this protocol"},
    Explanation{"bad_version", "a version of the protocol that this program does not know"},
    Explanation{kForeignGroup, "of another group than asked for"},
    Explanation{"wrong_security", "sealed, and no keys were given; or open, and keys were given"},
    Explanation{"unknown_key", "sealed with a key that the key file does not have"},
    Explanation{"forged", "its tag does not verify: the key of that number is another one"},
    Explanation{"replayed", "seen before, or its packet counter is far behind"},
    Explanation{"no_sender", "sender 0, which no member is"},
    Explanation{"malformed", "the body is not what its type says"},
    Explanation{"unknown_type", "a packet type that this version does not know"},
    Explanation{kTooManyGroups, "more groups than this program follows"},
    Explanation{"ip_fragment", "a part of an IP datagram"},
    Explanation{"cut", "the capture kept only a part of it: capture with a larger snapshot length"},
};

// "13:45:10.000042", UTC.
std::string TimeOfDay(int64_t micros) {
  constexpr int64_t kDay = int64_t{86400} * 1'000'000;
  const int64_t of_day = ((micros % kDay) + kDay) % kDay;
  const int64_t seconds = of_day / 1'000'000;
  std::array<char, 24> text;
  std::snprintf(text.data(), text.size(), "%02d:%02d:%02d.%06d", static_cast<int>(seconds / 3600),
                static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60),
                static_cast<int>(of_day % 1'000'000));
  return text.data();
}

std::string Prefix(const Header& header) {
  Line line;
  line.Word(std::to_string(header.sender.value())).Word(PacketTypeName(header.type));
  line.Word(header.view_number == 0
                ? "-"
                : ToString(header.epoch) + "/" + std::to_string(header.view_number));
  line.Word("#" + std::to_string(header.counter));
  return line.text();
}

}  // namespace

std::string_view ExplainUndecoded(std::string_view reason) {
  for (const Explanation& explanation : kExplanations) {
    if (explanation.reason == reason) return explanation.text;
  }
  return "";
}

Dissector::Dissector(const DissectorOptions& options, const KeyRing& keys)
    : options_(options), keys_(keys) {}

std::vector<std::string> Dissector::Take(int64_t time_micros, const UdpDatagram& datagram) {
  Lines lines;
  buffer_.assign(datagram.payload.begin(), datagram.payload.end());
  const std::string prefix = TimeOfDay(time_micros) + " " + ToString(datagram.from);
  std::span<uint8_t> left = buffer_;
  const size_t segment = TrainSegment(left);
  do {
    const size_t bytes = std::min(segment, left.size());
    TakeOne(prefix, left.first(bytes), lines);
    left = left.subspan(bytes);
  } while (!left.empty());
  lines_ += lines.size();
  return lines;
}

void Dissector::TakeOne(const std::string& prefix, std::span<uint8_t> datagram, Lines& lines) {
  ++datagrams_;
  const Decoded<Header> header = DecodeHeader(datagram);
  GroupId group = options_.group.value_or(GroupId());
  if (const Header* known = std::get_if<Header>(&header); known != nullptr && !options_.group) {
    group = known->group;
  }
  Opener* opener = OpenerOf(group);
  if (opener == nullptr) return Refuse(prefix, kTooManyGroups, datagram, lines);
  const auto result = opener->Open(datagram);
  if (const OpenError* error = std::get_if<OpenError>(&result)) {
    // The openers here are member 0's.
    const bool nobody = *error == OpenError::kOwnPacket;
    return Refuse(prefix, nobody ? "no_sender" : ReasonOf(*error), datagram, lines);
  }
  const auto& opened = std::get<Opener::Opened>(result);
  TakeBody(prefix, opened.header, opened.body, lines);
}

void Dissector::TakeBody(const std::string& prefix, const Header& header, ByteSpan body,
                         Lines& lines) {
  const Decoded<Lines> bodies = DescribeBody(header.type, body, options_.payload_bytes);
  if (const DecodeError* error = std::get_if<DecodeError>(&bodies)) {
    const bool unknown = *error == DecodeError::kUnknownType;
    return Refuse(prefix + " " + Prefix(header), unknown ? "unknown_type" : "malformed", body,
                  lines);
  }
  ++decoded_;
  if (Wanted(header)) {
    for (const std::string& text : std::get<Lines>(bodies)) {
      Line line;
      line.Word(prefix).Word(Prefix(header));
      if (!options_.group && openers_.size() > 1) line.Field("group", header.group.value());
      if (!text.empty()) line.Word(text);
      lines.push_back(line.text());
    }
  }
  if (header.type != static_cast<uint8_t>(PacketType::kFragment)) return;
  const Decoded<Fragment> fragment = DecodeFragment(body);
  auto joined = joiners_[header.group].OnFragment(header.sender, header.incarnation,
                                                  std::get<Fragment>(fragment));
  if (!joined) return;
  Header whole = header;
  whole.type = static_cast<uint8_t>(joined->type);
  if (joined->type != PacketType::kFragment)
    TakeBody(prefix + " (joined)", whole, joined->body, lines);
}

void Dissector::Refuse(const std::string& prefix, std::string_view reason, ByteSpan bytes,
                       Lines& lines) {
  CountUndecoded(reason);
  if (!options_.show_undecoded) return;
  Line line;
  line.Word(prefix).Field("undecoded", reason).Field("bytes", bytes.size());
  lines.push_back(line.text());
}

bool Dissector::Wanted(const Header& header) const {
  return (options_.types.empty() || options_.types.contains(header.type)) &&
         (options_.members.empty() || options_.members.contains(header.sender));
}

Opener* Dissector::OpenerOf(GroupId group) {
  const auto found = openers_.find(group);
  if (found != openers_.end()) return found->second.get();
  if (openers_.size() == kMaxGroups) return nullptr;
  return openers_.emplace(group, std::make_unique<Opener>(group, MemberId(), keys_))
      .first->second.get();
}

}  // namespace strata::multicast

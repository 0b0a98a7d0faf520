#include <malloc.h>

#include <array>
#include <memory>
#include <set>
#include <vector>

#include "common/check.h"
#include "multicast/core/core_fuzz_history.h"
#include "multicast/core/core_fuzz_packets.h"

// The whole receive path: a full member of a running group of three is told whatever the fuzzer
// thinks of, by packets, by the clock and by its application. It may believe a packet that an
// authentic member could have sent, and leave its view for it; it may not crash, hang, grow without
// bound, spin, send what nobody can read, end a send twice, or change anything for a packet that it
// rejects.

// Of the sanitizer, where there is one.
extern "C" size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

namespace strata::multicast::fuzz {
namespace {

// Three senders of nine streams whose rings of 32,768 entries exist, and then some.
constexpr size_t kMemoryMax = size_t{128} << 20;
constexpr int kSpinsMax = 20;
constexpr int kOperationsMax = 300;

size_t LiveBytes() {
  if (__sanitizer_get_current_allocated_bytes != nullptr) {
    return __sanitizer_get_current_allocated_bytes();
  }
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// What a rejected packet must leave as it was.
struct State {
  View view;
  MemberStatus status;
  bool frozen;
  bool synced;
  uint64_t commit_number;
  Epoch promised;
  std::vector<Seq> held;
  friend bool operator==(const State&, const State&) = default;
};

State StateOf(const Core& core) {
  State state{core.view(),
              core.status(),
              core.frozen(),
              core.synced(),
              core.commit_number(),
              core.promised(),
              {}};
  for (Slot slot = 0; slot < core.view().members.size(); ++slot) {
    for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
      state.held.push_back(core.held(slot, stream));
    }
  }
  return state;
}

uint64_t Rejections(const Core& core) {
  uint64_t sum = 0;
  for (size_t i = 0; i < kCounterInfo.size(); ++i) {
    if (kCounterInfo[i].name.starts_with("rejected_")) sum += core.counters()[Counter(i)];
  }
  return sum;
}

class Session {
 public:
  Session(const History& history, Input& in)
      : in_(in), random_(history.seed()), core_(history.Replay(random_)), now_(history.end()) {
    view_ = core_->view();
  }

  void Run() {
    for (int i = 0; i < kOperationsMax && !in_.empty(); ++i) {
      Operate();
      if (in_.Below(4) != 0) EndTurn();
    }
    EndTurn();
  }

 private:
  void Operate() {
    switch (in_.Below(16)) {
      case 0:
        return Wait(std::chrono::microseconds(in_.Byte() * 20));
      case 1:
        return Wait(std::chrono::milliseconds(in_.Byte() * 4));
      case 2:
        return Send();
      case 3:
        if (last_send_ != 0) core_->Abort(last_send_, in_.Byte(), now_);
        return;
      case 4:
        return AnswerPrepare();
      case 5:
        if (persisted_ > 0) core_->OnPersisted(persisted_, now_);
        return;
      case 6:
        if (transfer_ != 0) core_->OnSnapshotTaken(transfer_, Bytes(in_.Byte() * 16), now_);
        return;
      case 7:
        if (in_.Flag()) {
          core_->Promote(now_);
        } else {
          core_->PauseCredit(in_.Flag());
          core_->Ready(in_.Byte());
        }
        return;
      default:
        return Packet();
    }
  }

  void Wait(Duration time) {
    now_ += time;
    if (core_->NextDeadline() <= now_) core_->OnTimer(now_);
  }

  void Send() {
    SendOptions options;
    const uint8_t flags = in_.Byte();
    options.received = (flags & 1) != 0;
    options.prepare = (flags & 2) != 0;
    options.replies = (flags & 4) != 0;
    options.all_of = (flags & 8) != 0;
    const Bytes message(size_t{in_.Byte()} * ((flags & 16) != 0 ? 200 : 1), 'm');
    const auto sent = core_->Send(in_.Below(kStreamSlots), message, options, now_);
    if (const SendId* id = std::get_if<SendId>(&sent)) last_send_ = *id;
  }

  void AnswerPrepare() {
    if (prepares_.empty()) return;
    Core::PrepareAnswer answer;
    answer.accept = in_.Flag();
    answer.reason = in_.Byte();
    const Bytes reply(in_.Byte());
    answer.reply = reply;
    core_->OnPrepared(*prepares_.begin(), answer, now_);
    prepares_.erase(prepares_.begin());
  }

  // A packet that passed the Opener: of this group, of somebody who has the key.
  void Packet() {
    ReceivedPacket packet;
    Header& header = packet.header;
    const View& view = view_;  // The sender need not know a newer one.
    const auto from = in_.Below(static_cast<uint8_t>(view.members.size()));
    const MemberInfo& sender = view.members[from];
    header.group = GroupId(7);
    header.type = 1 + in_.Below(21);
    header.sender = sender.id;
    header.incarnation = sender.incarnation;
    header.epoch = view.epoch;
    header.view_number = view.number;
    packet.from = sender.unicast;
    const uint8_t oddities = in_.Byte();
    if ((oddities & 7) == 1) header.incarnation.bytes[3] ^= 1;
    if ((oddities & 7) == 2) header.sender = MemberId(in_.Below(9));
    if ((oddities & 7) == 3) header.epoch.counter = in_.Near(header.epoch.counter);
    if ((oddities & 7) == 4) header.view_number = in_.Byte();
    packet.by_multicast = (oddities & 8) == 0;
    const auto type = static_cast<PacketType>(header.type);
    Bytes body;
    if ((oddities & 0x30) == 0x30 || core_->view().members.size() <= from) {
      const ByteSpan raw = in_.Some(200);
      body.assign(raw.begin(), raw.end());
    } else {
      body = MakeBody(type, from, *core_, in_);
    }
    if ((oddities & 0x40) != 0 && !body.empty()) body[in_.Byte() % body.size()] ^= in_.Byte();
    if ((oddities & 0x80) != 0) body.resize(std::min<size_t>(body.size(), in_.Byte()));
    packet.body = body;
    Receive(type, packet);
  }

  // Whether the core must reject it, whatever else it knows.
  bool MustReject(PacketType type, const ReceivedPacket& packet) const {
    const Header& header = packet.header;
    if (header.sender == core_->self().id || header.sender == MemberId()) return true;
    if (header.epoch > core_->view().epoch) return false;  // That alone means something.
    const bool transfer = type <= PacketType::kRefuse;
    const Slot slot = core_->view().SlotOf(header.sender, header.incarnation);
    if (transfer && (slot == kNoSlot || header.epoch != core_->view().epoch)) return true;
    if (transfer && type >= PacketType::kAbort && core_->frozen()) return false;  // Not looked at.
    if (type == PacketType::kCommit && slot != 0) return true;
    return !IsWellFormed(type, packet.body);
  }

  void Receive(PacketType type, const ReceivedPacket& packet) {
    const bool rejected = MustReject(type, packet);
    const State before = StateOf(*core_);
    const uint64_t rejections = Rejections(*core_);
    core_->OnPacket(packet, now_);
    if (!rejected) return;
    STRATA_CHECK(Rejections(*core_) > rejections || before.view.number == 0,
                 "nobody counted a packet of type %u", unsigned{packet.header.type});
    STRATA_CHECK(StateOf(*core_) == before, "a rejected packet of type %u changed something",
                 unsigned{packet.header.type});
  }

  void EndTurn() {
    core_->EndTurn(now_);
    Execute();
    for (int spins = 0; core_->NextDeadline() <= now_; ++spins) {
      STRATA_CHECK(spins < kSpinsMax, "the core is due at once, again and again");
      core_->OnTimer(now_);
      core_->EndTurn(now_);
      Execute();
    }
    if (core_->view().number > view_.number) view_ = core_->view();
    const size_t live = LiveBytes();
    STRATA_CHECK(live < before_ + kMemoryMax, "%zu bytes are in use", live - before_);
  }

  void Execute() {
    for (const Action& action : core_->actions().actions()) {
      std::visit([this](const auto& a) { Do(a); }, action);
    }
    core_->actions().Clear();
  }

  void Touch(ByteSpan bytes) {
    for (const uint8_t byte : bytes) touched_ = touched_ + byte;
  }

  void Do(const TransmitAction& action) {
    const Decoded<Header> header = DecodeHeader(action.datagram);
    STRATA_CHECK(std::holds_alternative<Header>(header));
    const uint8_t type = std::get<Header>(header).type;
    STRATA_CHECK(IsWellFormed(PacketType(type), action.datagram.subspan(kHeaderBytes)),
                 "sent a packet of type %u that nobody can read", unsigned{type});
  }
  void Do(const PersistAction& action) { persisted_ = action.id; }
  void Do(const DeliverAction& action) {
    Touch(action.message);
    if (action.commit_number == 0) return;
    STRATA_CHECK(action.commit_number >= delivered_, "deliveries went back from %llu to %llu",
                 static_cast<unsigned long long>(delivered_),
                 static_cast<unsigned long long>(action.commit_number));
    delivered_ = action.commit_number;
  }
  void Do(const PrepareAction& action) {
    Touch(action.message);
    STRATA_CHECK(prepares_.insert(action.token).second);
  }
  void Do(const SendDoneAction& action) {
    STRATA_CHECK(done_.insert(action.id).second, "a send ended twice");
  }
  void Do(const ViewChangedAction& action) { STRATA_CHECK(!action.view.members.empty()); }
  void Do(const LeftViewAction&) { delivered_ = 0; }
  void Do(const DivergedAction& action) { STRATA_CHECK(action.first <= action.last); }
  void Do(const TakeSnapshotAction& action) { transfer_ = action.transfer; }
  void Do(const InstallSnapshotAction& action) { Touch(action.state); }
  void Do(const RotateKeyAction& action) { STRATA_CHECK(!action.evicted.empty()); }
  void Do(const AlarmAction&) {}

  Input& in_;
  const size_t before_ = LiveBytes();
  SeededRandom random_;
  std::unique_ptr<Core> core_;
  Timestamp now_;
  View view_;
  SendId last_send_ = 0;
  uint64_t persisted_ = 0;
  TransferId transfer_ = 0;
  uint64_t delivered_ = 0;
  std::set<PrepareToken> prepares_;
  std::set<SendId> done_;
  volatile uint8_t touched_ = 0;
};

void CheckInput(ByteSpan bytes) {
  static const std::array<History, History::kMembers> histories = {History(1), History(2),
                                                                   History(3)};
  Input in(bytes);
  const History& history = histories[in.Below(History::kMembers)];
  Session(history, in).Run();
}

}  // namespace
}  // namespace strata::multicast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  strata::multicast::fuzz::CheckInput({data, size});
  return 0;
}

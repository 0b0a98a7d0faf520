#include <array>
#include <map>
#include <vector>

#include "common/bytes.h"
#include "common/check.h"
#include "farm/content_identity.h"
#include "service_manager/federation/locate/locate_desk.h"

// A desk hears whatever the fuzzer thinks of: questions and answers in and out of bounds, purges,
// links that come and go, time. Whatever it sends keeps the bounds, it never has more open than it
// may, every question is answered once and in time unless its asker is gone, and at the end nothing
// is open.

namespace strata::manager::federation {
namespace {

constexpr LocateSettings kSettings{.has_parent = true,
                                   .children_at_once = 2,
                                   .questions_max = 8,
                                   .questions_per_asker_max = 4,
                                   .asks_per_neighbour_max = 3,
                                   .cache = {.answers_max = 4, .bytes_max = 4096}};
constexpr int kOperationsMax = 500;
// First the neighbours, the parent before the children.
constexpr size_t kNeighbours = 4;
constexpr std::array<const char*, 8> kScopes = {
    "exchange",           "cdn-one/dc-one", "cdn-one/dc-two", "cdn-one/dc-three",
    "cdn-one/dc-one/lan", "cdn-one",        "cdn-two/dc",     "Not a scope"};
const std::array<std::string, 3> kUris = {"http://a/", "http://a/b", "http://a/c"};

class Session {
 public:
  explicit Session(ByteSpan bytes) : in_(bytes) {}

  void Run() {
    for (int i = 0; i < kOperationsMax && !in_.AtEnd(); ++i) {
      Operate();
      Check();
    }
    now_ += kLocateTimeMax;
    desk_.OnTimer(now_);
    Check();
    STRATA_CHECK(open_.empty() && desk_.open_questions() == 0 && desk_.open_asks() == 0);
    STRATA_CHECK(desk_.NextDeadline() == Timestamp::Never());
  }

 private:
  struct Open {
    NeighbourId from{};
    Timestamp deadline;
  };

  void Operate() {
    switch (in_.U8() % 8) {
      case 0:
        return Ask();
      case 1:
      case 2:
        return Reply();
      case 3:
        return Pass();
      case 4:
        return Connect();
      case 5:
        return Disconnect();
      case 6:
        return desk_.OnPurge({&KeyAt(in_.U8()), 1}, now_);
      default:
        return LeaveQuestion(in_.U8());
    }
  }
  void LeaveQuestion(uint64_t id) {
    open_.erase(id);
    desk_.OnAskerGone(QuestionId(id));
  }

  void Ask() {
    const NeighbourId from = SomeNeighbour();
    const uint8_t content = in_.U8();
    LocateQuestion question{.key = KeyAt(content),
                            .canonical_uri = kUris[content % kUris.size()],
                            .purged = in_.U8(),
                            .hops_left = in_.U8() % 12u,
                            .time_left = Duration(in_.U32()) * 4};
    if (content >= 250) question.canonical_uri += 'x';
    const size_t visited = in_.U8() % 12;
    for (size_t i = 0; i < visited; ++i) question.visited.emplace_back(SomeScope());
    question.trace = in_.U8() % 4 == 0;
    const QuestionId id(++last_);
    open_[id.value()] = {from, now_ + question.time_left};
    desk_.OnQuestion(id, from, std::move(question), now_);
  }

  void Reply() {
    const NeighbourId from = SomeNeighbour();
    const uint8_t which = in_.U8();
    if (which == 255 || asks_.empty()) {
      return desk_.OnAnswer(from, AskNumber(which), SomeAnswer(), now_);
    }
    const AskAction& ask = asks_[which % asks_.size()];
    const NeighbourId truly = in_.U8() % 8 == 0 ? from : ask.to;
    if (in_.U8() % 8 == 0) {
      return desk_.OnAnswer(truly, ask.number, ResourceExhausted("full"), now_);
    }
    desk_.OnAnswer(truly, ask.number, SomeAnswer(), now_);
  }

  LocateAnswer SomeAnswer() {
    LocateAnswer answer;
    const size_t copies = in_.U8() % 8 == 7 ? kLocatedCopiesMax + in_.U8() : in_.U8() % 4;
    for (size_t i = 0; i < copies; ++i) {
      std::string engine = in_.U8() % 2 == 0 ? std::string() : "e" + std::to_string(i);
      answer.copies.push_back({.holder = {SomeScope(), std::move(engine)}});
    }
    const size_t gaps = in_.U8() % 4;
    for (size_t i = 0; i < gaps; ++i) {
      answer.gaps.push_back({SomeScope(), static_cast<GapReason>(in_.U8() % 16)});
    }
    answer.keep_for = Duration(static_cast<int64_t>(in_.U64()) / 8);
    const size_t hops = in_.U8() % 70;
    for (size_t i = 0; i < hops; ++i) {
      answer.trace.push_back({.scope = SomeScope(), .depth = in_.U8() % 12u});
    }
    return answer;
  }

  void Pass() {
    now_ += Duration(in_.U32()) * 4;
    desk_.OnTimer(now_);
    STRATA_CHECK(desk_.NextDeadline() > now_);
  }

  void Connect() {
    const Neighbour neighbour{NeighbourId(++links_), kScopes[in_.U8() % kNeighbours]};
    if (neighbour.scope == "exchange") {
      desk_.OnParent(neighbour, now_);
    } else {
      desk_.OnChild(neighbour, now_);
    }
    // Whom it replaced hears nothing any more.
    scopes_.insert_or_assign(neighbour.id, neighbour.scope);
    for (const auto& [id, scope] : scopes_) {
      if (scope == neighbour.scope && id != neighbour.id) ForgetAsker(id);
    }
  }
  void Disconnect() {
    const NeighbourId id = SomeNeighbour();
    if (id == NeighbourId()) return;
    desk_.OnDisconnected(id, now_);
    ForgetAsker(id);
  }
  void ForgetAsker(NeighbourId id) {
    std::erase_if(open_, [id](const auto& open) { return open.second.from == id; });
  }

  void Check() {
    for (LocateAction& action : desk_.TakeActions()) {
      if (auto* ask = std::get_if<AskAction>(&action)) {
        CheckAsk(ask->question);
        asks_.push_back(std::move(*ask));
      } else {
        CheckReply(std::get<AnswerAction>(action));
      }
    }
    for (const auto& [id, open] : open_) STRATA_CHECK(open.deadline > now_);
    STRATA_CHECK(desk_.open_questions() <= kSettings.questions_max);
    STRATA_CHECK(desk_.cache().size() <= kSettings.cache.answers_max);
    STRATA_CHECK(desk_.cache().bytes() <= kSettings.cache.bytes_max);
  }
  static void CheckAsk(const LocateQuestion& question) {
    STRATA_CHECK(CheckQuestion(question).ok());
    STRATA_CHECK(question.visited.back() == "cdn-one" && question.time_left >= kHopTimeMin);
  }
  void CheckReply(const AnswerAction& reply) {
    open_.erase(reply.question.value());
    if (!reply.answer.ok()) {
      STRATA_CHECK(!MessageOf(reply.answer.status()).empty());
      return;
    }
    STRATA_CHECK(CheckAnswer(*reply.answer).ok());
    STRATA_CHECK(!reply.answer->partial() || reply.answer->keep_for == Duration::zero());
  }

  const farm::ContentKey& KeyAt(uint8_t content) const { return keys_[content % keys_.size()]; }
  NeighbourId SomeNeighbour() { return NeighbourId(in_.U8() % (links_ + 2)); }
  const char* SomeScope() { return kScopes[in_.U8() % kScopes.size()]; }

  // What the directory says is the fuzzer's, too; in bounds, since it is this manager's own.
  LocalCopies Look() {
    LocalCopies local{.lifetime = Duration(in_.U32()),
                      .purges = {.applied = in_.U8(), .purged = in_.U8() / 2u}};
    const size_t copies = in_.U8() % 5;
    for (size_t i = 0; i < copies; ++i) {
      const char* scope = kScopes[1 + in_.U8() % 4];
      local.copies.push_back({.holder = {scope, in_.U8() % 4 == 0 ? "e" : ""}});
      if (in_.U8() % 8 == 0) local.untold.emplace_back(scope);
    }
    return local;
  }

  ByteReader in_;
  const std::array<farm::ContentKey, 3> keys_ = {farm::KeyOf(kUris[0]), farm::KeyOf(kUris[1]),
                                                 farm::KeyOf(kUris[2])};
  Timestamp now_ = Timestamp::FromNanos(0);
  LocateDesk desk_{"cdn-one", kSettings,
                   [this](const farm::ContentKey&, std::string_view) { return Look(); }};
  uint64_t last_ = 0;
  uint64_t links_ = 0;
  std::map<NeighbourId, std::string> scopes_;
  std::map<uint64_t, Open> open_;
  std::vector<AskAction> asks_;
};

}  // namespace
}  // namespace strata::manager::federation

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  strata::manager::federation::Session({data, size}).Run();
  return 0;
}

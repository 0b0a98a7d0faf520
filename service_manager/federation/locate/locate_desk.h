#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/status.h"
#include "common/time.h"
#include "farm/content_key.h"
#include "service_manager/federation/locate/answer_cache.h"
#include "service_manager/federation/locate/answer_so_far.h"
#include "service_manager/federation/locate/ask_board.h"
#include "service_manager/federation/locate/locate_messages.h"
#include "service_manager/federation/locate/locate_plan.h"
#include "service_manager/federation/locate/neighbours.h"
#include "service_manager/federation/locate/open_table.h"

namespace strata::manager::federation {

// Less than that is not worth a hop.
inline constexpr Duration kHopTimeMin = std::chrono::milliseconds(1);
// Of the time for a neighbour, one part in so many is kept back for its answer's way.
inline constexpr int kReturnShare = 10;
// A question that is asked anew because its content was purged meanwhile, so often.
inline constexpr uint32_t kPurgesPerQuestionMax = 3;

struct LocateSettings {
  bool has_parent = false;      // There is to be one, connected or not.
  size_t children_at_once = 8;  // Asked for one question.
  // How long an answer may be given again that comes from the own directory: with copies, without.
  Duration found_kept = std::chrono::seconds(5);
  Duration none_kept = std::chrono::seconds(1);
  // Questions that are open, of all and of one neighbour; own ones count as a neighbour's.
  size_t questions_max = 16'384;
  size_t questions_per_asker_max = 4'096;
  size_t asks_per_neighbour_max = 4'096;  // That it has not answered yet.
  AnswerCacheLimits cache = {};
};

// Totals since the start.
struct LocateCounters {
  uint64_t questions = 0;
  uint64_t refused = 0;     // Questions out of bounds, or from somebody whom they do not come from.
  uint64_t overloaded = 0;  // Questions above a limit.
  uint64_t partial = 0;     // Answers with gaps.
  uint64_t asked = 0;       // Asks that were sent.
  uint64_t joined = 0;      // Saved, by one that was open already.
  uint64_t remembered = 0;  // Saved, by an answer that was kept.
  uint64_t silent = 0;      // Not answered in time.
  uint64_t late = 0;        // Answers that came after their deadline, or after a purge.
  uint64_t wrong = 0;       // Answers out of bounds, or about scopes that are not theirs.
  uint64_t restarted = 0;   // Questions asked anew after a purge.
};

// Send the question to that neighbour; what it answers goes to OnAnswer with the same number.
struct AskAction {
  NeighbourId to{};
  AskNumber number{};
  LocateQuestion question;
};
// The answer to a question, exactly one. InvalidArgument: it is out of bounds; ResourceExhausted:
// too many are open; both in words. All else is an answer, perhaps with gaps.
struct AnswerAction {
  QuestionId question{};
  StatusOr<LocateAnswer> answer;
};
using LocateAction = std::variant<AskAction, AnswerAction>;

// Answers where copies of a content are, for the own front end and operators, for the parent, for
// children: from the own directory; for scopes below, by the child on the way; on a miss, by the
// parent. docs/protocols/federation.md, 4. Levels are data: a manager without parent or children
// does less of the same. Every question is answered when its time is over, with the best there is.
//
// Pure: feed it, then take the actions and execute them in order; call OnTimer at NextDeadline().
// One thread.
class LocateDesk {
 public:
  // What the own directory says of a content, as of now: nothing that a purge which OnPurge was
  // told of has removed, and `purges` that OnPurge was told of.
  using Directory = std::function<LocalCopies(const farm::ContentKey&, std::string_view uri)>;

  LocateDesk(std::string scope, const LocateSettings& settings, Directory directory);

  // ---- Neighbours. A new connection of the parent, or of a child's scope, ends the one before.
  void OnParent(Neighbour parent, Timestamp now);
  void OnChild(Neighbour child, Timestamp now);
  // What was asked of it has no answer; what it asked needs none.
  void OnDisconnected(NeighbourId id, Timestamp now);

  // ---- Questions. `id` is not open; `from`: NeighbourId() for the own front end and operators.
  void OnQuestion(QuestionId id, NeighbourId from, LocateQuestion question, Timestamp now);
  // Nobody waits for the answer any more.
  void OnAskerGone(QuestionId id);
  // Of an AskAction. A status: there is none. ResourceExhausted: the neighbour has too many
  // questions; Unavailable: it could not be reached; DeadlineExceeded: it was silent; else it
  // refused.
  void OnAnswer(NeighbourId from, AskNumber number, StatusOr<LocateAnswer> answer, Timestamp now);

  // These contents were purged: what was answered before is not given any more, and open questions
  // of them are asked anew.
  void OnPurge(std::span<const farm::ContentKey> keys, Timestamp now);
  // The same for whatever there is: which contents were purged is not known.
  void OnPurgeOfAll(Timestamp now);
  void OnTimer(Timestamp now);

  std::vector<LocateAction> TakeActions() { return std::move(actions_); }
  Timestamp NextDeadline() const {
    return std::min(questions_.NextDeadline(), asks_.NextDeadline());
  }

  const LocateCounters& counters() const { return counters_; }
  size_t open_questions() const { return questions_.size(); }
  size_t open_asks() const { return asks_.size(); }
  const AnswerCache& cache() const { return cache_; }

 private:
  struct Wait {
    AskNumber ask{};
    std::string scope;  // Of who was asked.
  };
  struct Inquiry {
    LocateQuestion question;
    Timestamp asked;
    Timestamp looked;  // Into the own directory.
    Timestamp end;     // The row's deadline is earlier while it may still climb.
    AnswerSoFar answer;
    std::vector<LocatedCopy> behind;  // LocatePlan::behind
    std::vector<Neighbour> to_ask;    // The next one last.
    std::vector<Wait> waits;
    bool climbed = false;
    uint32_t purges = 0;
  };
  using Questions = OpenTable<QuestionId, Inquiry>;

  // Why a question is not taken at all; and what of it is the asker's fault.
  Status JudgeLoad(NeighbourId from) const;
  Status JudgeQuestion(NeighbourId from, const LocateQuestion& question) const;
  // Empty if it is no child.
  std::string ChildScope(NeighbourId id) const;
  void Begin(QuestionId id, Questions::Row& row, Timestamp now);
  // Asks whom it may; when nobody is waited for, climbs or answers. The row may be gone then.
  void Advance(QuestionId id, Questions::Row& row, Timestamp now);
  // False: it may not, or there is no use in it.
  bool Climb(QuestionId id, Questions::Row& row);
  // How long children may take, so that the parent can still be asked if they know nothing.
  Timestamp DownDeadline(const Questions::Row& row, Timestamp now) const;
  void Answer(QuestionId id, Timestamp now);
  void Refuse(QuestionId id, const Status& why);

  void Ask(QuestionId id, Questions::Row& row, const Neighbour& neighbour, Timestamp now);
  // Why it cannot be asked. Else it is waited for, or has answered already.
  std::optional<GapReason> TryToAsk(QuestionId id, Questions::Row& row, const Neighbour& neighbour,
                                    Timestamp now);
  void Send(AskNumber number, NeighbourId to, const LocateQuestion& question, Duration time);

  // What is wrong with an answer; takes out of the parent's what it cannot know better.
  std::optional<GapReason> JudgeAnswer(NeighbourId from, StatusOr<LocateAnswer>& answer);
  void Keep(const AskBoard::Row& ask, const LocateAnswer& answer, Timestamp now);
  // The ask has no answer: those who wait for it go on without.
  void GoOnWithout(const AskBoard::Row& ask, GapReason reason, Timestamp now);
  static void Miss(Inquiry& inquiry, const std::string& scope, GapReason reason);
  // And asks nobody who is left of this phase.
  void StopWaiting(QuestionId id, Inquiry& inquiry);
  // Of the children, or of the question.
  void OnPhaseEnd(QuestionId id, Timestamp now);
  void Restart(QuestionId id, Timestamp now);

  const std::string scope_;
  const LocateSettings settings_;
  const Directory directory_;
  Neighbours neighbours_;
  Questions questions_;
  AskBoard asks_;
  AnswerCache cache_;
  std::vector<LocateAction> actions_;
  LocateCounters counters_;
};

}  // namespace strata::manager::federation

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "service_manager/federation/locate/locate_desk.h"
#include "tests/simulation/federation/wiring.h"

namespace strata::simulation::federation {

// The real LocateDesk of each scope, and the messages between them: each takes its time, may be
// lost, and is lost with its link. Judges that every question of an own front end is answered, in
// time and once, and by section 4 of docs/protocols/federation.md how each one travels.
class LocateDesks {
 public:
  // A question of the front end of a scope.
  struct Asked {
    size_t scope = 0;
    Content content;
    uint32_t hops = 0;
    Timestamp at;
    Duration within{};
  };
  using Directory =
      std::function<manager::federation::LocalCopies(size_t scope, const farm::ContentKey& key)>;
  using Answered = std::function<void(const Asked&, const manager::federation::LocateAnswer&)>;
  struct Options {
    manager::federation::LocateSettings settings;  // Who has a parent is known.
    double lost = 0;                               // Of messages.
    Directory directory;
    Answered answered;
  };

  // Connects them all.
  LocateDesks(Wiring& wiring, Options options);

  void Ask(size_t scope, const Content& content, uint32_t hops, Duration within);
  // Of a child to its parent.
  void Connect(size_t child);
  void Cut(size_t child);
  bool connected(size_t child) const { return links_[child] != manager::federation::NeighbourId(); }
  // Another process, without any link; nobody waits any more for what the one before was asked.
  void Restart(size_t scope);
  void OnPurge(size_t scope, const farm::ContentKey& key);
  void LoseNothing() { options_.lost = 0; }

  // Of those asked.
  size_t unanswered() const { return own_.size(); }
  void CountEvents();

 private:
  using DeskQuestion = std::pair<size_t, manager::federation::QuestionId>;
  // Who waits for the answer to a question of a neighbour.
  struct Asker {
    manager::federation::NeighbourId link{};
    manager::federation::AskNumber number{};
  };

  void Launch(size_t scope);
  void CountEventsOf(size_t scope);
  size_t OtherEnd(manager::federation::NeighbourId link, size_t scope) const;
  void Act(size_t scope);
  void Do(size_t scope, const manager::federation::AskAction& ask);
  void Do(size_t scope, const manager::federation::AnswerAction& answer);
  void Finish(size_t scope, const Asked& asked, const manager::federation::AnswerAction& answer);
  void JudgeWay(size_t from, size_t to, const manager::federation::LocateQuestion& question);
  void Carry(manager::federation::NeighbourId link, std::function<void()> what);

  Wiring& wiring_;
  Options options_;
  std::vector<std::unique_ptr<manager::federation::LocateDesk>> desks_;
  std::vector<Timestamp> timers_;                                     // The next one of each.
  std::vector<manager::federation::NeighbourId> links_;               // By child.
  std::map<manager::federation::NeighbourId, size_t> child_of_link_;  // Those that are there.
  std::map<DeskQuestion, Asker> askers_;
  std::map<DeskQuestion, Asked> own_;
  // How many hops the questions of a scope for a content were given.
  std::map<std::pair<std::string, farm::ContentKey>, std::set<size_t>> hops_;
  uint64_t last_ = 0;  // Question or link.
};

}  // namespace strata::simulation::federation

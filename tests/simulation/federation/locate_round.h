#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "service_manager/federation/locate/locate_desk.h"
#include "tests/simulation/federation/fault_injector.h"
#include "tests/simulation/federation/wiring.h"

namespace strata::simulation::federation {

// Asks managers where copies are, with a real LocateDesk each over its directory, while all is
// quiet: each answer must name every copy below the nearest scope that has one, and nothing else.
class LocateRound {
 public:
  LocateRound(Wiring& wiring, Scopes& scopes);

  // The answer is judged when it comes.
  void Ask(size_t scope, const Content& content);
  // Of those asked.
  size_t unanswered() const { return own_.size(); }

 private:
  using DeskQuestion = std::pair<size_t, manager::federation::QuestionId>;
  // Who waits for the answer to a question of a neighbour.
  struct Asker {
    size_t scope = 0;
    manager::federation::AskNumber number{};
  };

  manager::federation::LocalCopies LocalCopiesOf(size_t scope, const farm::ContentKey& key);
  void Introduce(size_t scope);
  void Act(size_t scope);
  void Do(size_t scope, const manager::federation::AskAction& ask);
  void Do(size_t scope, const manager::federation::AnswerAction& answer);
  void Judge(size_t scope, const Content& content,
             const StatusOr<manager::federation::LocateAnswer>& answer);
  bool IsBelow(size_t scope, size_t below) const;
  // The copies of the farms of a scope, and of all below it.
  void AddFarmsBelow(size_t scope, const farm::ContentKey& key, Copies& copies) const;
  void Later(std::function<void()> what);

  Wiring& wiring_;
  Scopes& scopes_;
  std::vector<std::unique_ptr<manager::federation::LocateDesk>> desks_;
  std::map<DeskQuestion, Asker> askers_;
  std::map<DeskQuestion, Content> own_;
  uint64_t questions_ = 0;
};

}  // namespace strata::simulation::federation

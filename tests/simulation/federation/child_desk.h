#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "service_manager/federation/feed/feed_receiver.h"
#include "tests/simulation/federation/manager_directory.h"
#include "tests/simulation/federation/parent_link.h"
#include "tests/simulation/federation/stream.h"
#include "tests/simulation/federation/wiring.h"

namespace strata::simulation::federation {

// A manager's end of the streams of one child: the real FeedReceiver over its directory. It has one
// stream at a time, and acknowledges what its store has durably.
class ChildDesk final : public FeedReader {
 public:
  // Which store it is, which may become another one (FeedReader::parents_store).
  using WhichStore = std::function<uint64_t()>;

  ChildDesk(Wiring& wiring, size_t child, ManagerDirectory& directory, WhichStore which_store);

  void Stop();
  void OnDurable();
  // Takes all that the child told out of the directory. False while it has a stream.
  bool Forget();

  void Greeted(ParentLink& child, const std::shared_ptr<Stream>& stream,
               const manager::federation::FeedGreeting& greeting) override;
  void Arrived(const std::shared_ptr<Stream>& stream, const Bytes& batch) override;
  uint64_t parents_store() const override { return which_store_(); }

  // ---- To be judged.
  const manager::federation::FeedReceiver& receiver() const { return receiver_; }
  // What the store has of this child's holders.
  Knowledge KnowledgeOfChild() const;

 private:
  // A place in the feed that is durable once the store has synced that commit.
  struct Mark {
    uint64_t commit = 0;
    FeedPosition position;
  };

  manager::federation::KnownOfChild Known() const;
  bool IsChilds(const HolderName& name) const;
  bool Apply(const manager::federation::ToldCopy& told);
  void Acknowledge();
  void Down(std::function<void(ParentLink&, const Stream*)> tell);
  void End(const std::shared_ptr<Stream>& stream);

  Wiring& wiring_;
  const size_t child_;
  ManagerDirectory& directory_;
  const WhichStore which_store_;
  manager::federation::FeedReceiver receiver_;
  std::deque<Mark> marks_;
  FeedPosition durable_;  // At the start the store has all durably.
  std::shared_ptr<Stream> stream_;
  ParentLink* link_ = nullptr;  // Of the stream.
  bool forgot_ = false;
  bool stopped_ = false;
};

}  // namespace strata::simulation::federation

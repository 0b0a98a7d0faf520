#pragma once

#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/status.h"
#include "common/tls/identity.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/link/stream_watch.h"
#include "service_manager/rpc/guard.h"

namespace strata::manager::link {

// What the streams of one kind that children have at this manager have in common: who may have one,
// one a scope at a time, and the end of those who are silent or whose certificate is void.
// docs/protocols/federation.md, 3.5. Any thread.
class ChildStreams {
 public:
  struct Options {
    federation::ScopeLevel own;
    // Ok: this manager leads. Else why it takes no stream, Unavailable naming who leads.
    std::function<Status()> leads;
    // If there is one: the manager that leads this scope may have a stream, too, beside those of
    // children. Ok: the one of that name leads, and this one is a backup.
    std::function<Status(const std::string& manager)> follows = nullptr;
  };
  // What a child says of itself as its stream begins.
  struct Introduction {
    federation::ScopeLevel child;
    uint64_t epoch = 0;  // Of its manager.
  };
  // A child whose stream is there.
  struct Child {
    std::string scope;
    uint32_t level = 0;
    std::string manager;  // The name in its certificate.
  };
  class Place;

  // `refused` counts streams that were refused, or ended for what they said; `there` is how many
  // there are.
  ChildStreams(Options options, rpc::Guard& guard, Counter& refused, Gauge& there);

  // What a server has to allow for such streams. Before it starts.
  static void Prepare(grpc::ServerBuilder& builder);

  // One stream, on the thread that gRPC gives it, until it ends: `read` reads its first message;
  // then `exchange` has it, if the child may have a place.
  grpc::Status Serve(grpc::ServerContext& context, absl::FunctionRef<StatusOr<Introduction>()> read,
                     absl::FunctionRef<Status(Place&)> exchange);

  // Ok, if what that one tells is taken now: as Options::leads or Options::follows.
  Status CheckTurn(const Child& child) const;
  bool IsLeader(const std::string& scope) const { return scope == options_.own.scope; }

  // There may be something to say to every child.
  void TellNews();
  // This manager leads no more, or ends: all streams end within a moment. `Stop`: none comes again.
  void EndAll(const Status& why);
  void Stop();
  // Of the manager that leads, if there is one.
  void EndLeader(const Status& why);

  std::vector<Child> children() const;  // By scope.
  // The manager that leads and has a stream; empty: none.
  std::string leader() const;

 private:
  Status ServeAdmitted(grpc::ServerContext& context, StreamWatch::Stream& watched,
                       absl::FunctionRef<StatusOr<Introduction>()> read,
                       absl::FunctionRef<Status(Place&)> exchange);
  Status CheckIntroduction(const tls::Identity& caller, const federation::ScopeLevel& child) const;
  Status CheckPlace(const Place& place) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Puts it in the place of the child's stream before, when that one has ended.
  Status Enter(Place& place);
  void Leave(Place& place);

  const Options options_;
  rpc::Guard& guard_;
  Counter& refused_;
  Gauge& there_;
  StreamWatch watch_;

  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, Place*> places_ ABSL_GUARDED_BY(mutex_);  // By scope.
};

// The stream of a child, from when it has said who it is. Two threads serve it: one reads, one says
// what there is to say.
class ChildStreams::Place {
 public:
  const Child& child() const { return child_; }

  // Runs both until `read` comes back, and gives what it says; `write` ends when AwaitNews() is
  // false, or it cannot write any more.
  Status Exchange(absl::FunctionRef<Status()> read, absl::FunctionRef<void()> write);

  // Of the thread that reads. Around each read.
  void Waits() { watched_.Waits(); }
  void Heard() { watched_.Heard(); }
  // Of any: the other one has something to say.
  void TellNews();
  // Of the thread that writes: there is news, or it is time to say that this end is there. False:
  // the stream is over.
  bool AwaitNews();
  // Why this end has ended it; ok: it has not.
  Status ended() const { return watched_.ended(); }

 private:
  friend class ChildStreams;

  Place(ChildStreams& streams, Child child, uint64_t epoch, StreamWatch::Stream& watched)
      : streams_(streams), child_(std::move(child)), epoch_(epoch), watched_(watched) {}

  ChildStreams& streams_;
  const Child child_;
  const uint64_t epoch_;
  StreamWatch::Stream& watched_;
  // Under the mutex of the streams:
  bool news_ = true;
  bool over_ = false;
};

}  // namespace strata::manager::link

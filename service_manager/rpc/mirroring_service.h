#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "proto/mirror.grpc.pb.h"
#include "service_manager/control/manager_book.h"
#include "service_manager/rpc/guard.h"
#include "service_manager/store/mirrored_store.h"

namespace strata::manager::rpc {

// What a manager that leads gives those that follow it (proto/mirror.proto). Any thread.
class MirroringService final : public strata::manager::mirror::v1::Mirroring::Service {
 public:
  using Stream = grpc::ServerReaderWriter<strata::manager::mirror::v1::FollowReply,
                                          strata::manager::mirror::v1::FollowRequest>;
  struct Leader {
    std::string name;
    uint64_t group_id = 0;
  };

  // `leader`: what this manager says of itself.
  MirroringService(store::MirroredStore& store, control::ManagerBook& book, Guard& guard,
                   std::function<Leader()> leader)
      : store_(store), book_(book), guard_(guard), leader_(std::move(leader)) {}

  grpc::Status Follow(grpc::ServerContext* context, Stream* stream) override;

  void Stop() { stop_ = true; }  // Streams end within a moment.

 private:
  Status Begin(grpc::ServerContext& context, Stream& stream, std::string& name,
               store::MirrorPosition& from);
  Status Send(grpc::ServerContext& context, Stream& stream, store::MirroredStore::Feed& feed);

  store::MirroredStore& store_;
  control::ManagerBook& book_;
  Guard& guard_;
  const std::function<Leader()> leader_;
  std::atomic<bool> stop_ = false;
};

}  // namespace strata::manager::rpc

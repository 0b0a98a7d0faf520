#pragma once

#include <functional>
#include <string>

#include "proto/hierarchy.grpc.pb.h"

namespace strata::cli {

// The tree of a manager for tests: cdn-one with two data centers, of which the second is away, and
// four farms. Its policy has two rules.
class FakeHierarchy final : public strata::manager::hierarchy::v1::Hierarchy::Service {
 public:
  // Looks at the caller.
  using Check = std::function<grpc::Status(grpc::ServerContext&)>;
  explicit FakeHierarchy(Check check) : check_(std::move(check)) {}

  grpc::Status Tree(grpc::ServerContext* context,
                    const strata::manager::hierarchy::v1::TreeRequest* request,
                    strata::manager::hierarchy::v1::TreeReply* reply) override;
  grpc::Status Policy(grpc::ServerContext* context,
                      const strata::manager::hierarchy::v1::PolicyRequest* request,
                      strata::manager::hierarchy::v1::PolicyReply* reply) override;

  // Before there are calls: it has lost its parent.
  void LoseParent() { attached_ = false; }

 private:
  const Check check_;
  bool attached_ = true;
};

}  // namespace strata::cli

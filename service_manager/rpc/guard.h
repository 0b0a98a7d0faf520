#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <string>

#include "common/metrics.h"
#include "common/status.h"
#include "common/tls/handshake_watch.h"
#include "common/tls/identity.h"
#include "common/tls/tls_files.h"
#include "service_manager/control/audit_log.h"

namespace strata::manager::rpc {

// Stands before every call: who is calling, whether he may, and, for what changes something, a
// record of it. Any thread.
class Guard {
 public:
  enum class Right : uint8_t {
    kEngine,   // Engines of this farm.
    kView,     // Viewers and operators whose scope covers this one.
    kOrder,    // Operators whose scope covers this one.
    kManager,  // Managers of this farm.
    kWitness,  // Witnesses of this farm.
    kVoter,    // Engines and witnesses of this farm.
    kChild,    // Managers of scopes below this one; at an exchange, of any other one.
    kFeed,     // Those of kChild and of kManager.
    // Managers of any other scope: of a child or of the parent. The latter's scope says nothing of
    // its place (an exchange is on nobody's path), so who is called asks whether it is one.
    kNeighbour,
  };

  // Whether a certificate of this identity has the right at the manager of `scope`; `exchange`: as
  // below. Pure.
  static bool Has(Right right, const tls::Identity& caller, const std::string& scope,
                  bool exchange);

  // `exchange`: of level 4, whose scope is on nobody's path.
  Guard(std::shared_ptr<const tls::TlsStore> tls, std::string scope, control::AuditLog& audit,
        MetricRegistry& metrics, bool exchange = false);

  // Who is calling, or why he is refused: Unauthenticated (kUnauthenticated), PermissionDenied. The
  // answer tells this manager's time in its head (proto/manager.proto). Once for each call, first.
  StatusOr<tls::Identity> Admit(grpc::ServerContextBase& context, Right right);

  // Unauthenticated if the caller's certificate is good no longer: for long streams.
  Status StillGood(const grpc::ServerContextBase& context) const;

  // Records an administrative call and how it ended, also one that was refused. An order whose
  // record cannot be written fails: the error comes back.
  Status Record(const grpc::ServerContextBase& context, const std::string& what,
                const Status& outcome);

 private:
  const std::shared_ptr<const tls::TlsStore> tls_;
  const std::string scope_;
  const bool exchange_;
  control::AuditLog& audit_;
  Counter& admitted_;
  Counter& refused_;
  const tls::HandshakeWatch handshakes_;  // Who does not get as far as a call.
};

// A status as gRPC sends it. Codes are the same.
grpc::Status ToGrpc(const Status& status);

}  // namespace strata::manager::rpc

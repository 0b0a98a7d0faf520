#pragma once

#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "common/status.h"
#include "common/tls/identity.h"
#include "common/tls/tls_files.h"

namespace strata::tls {

// For a server whose clients all have a certificate of the same authority. New connections use what
// the store holds then; open ones stay. Whom a client's certificate names, PeerIdentity() tells, to
// be asked at every call.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(
    std::shared_ptr<const TlsStore> store);

// For a client of managers: it talks to nobody whose certificate does not come from the authority,
// is revoked, or is not a manager's. The own certificate is the one that the store holds now; a
// channel made after a Reload() has the new one.
std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(
    std::shared_ptr<const TlsStore> store);

// Whether who answers a call is a manager that is still to be believed: gRPC itself never looks at
// its certificate again once a connection is open. kUnauthenticated says why not.
Status CheckManager(const grpc::AuthContext& context, const TlsStore& store);

// Who is calling; kUnauthenticated says why it is nobody to be believed: no certificate, no
// identity in it, revoked, expired. gRPC itself never looks at a certificate again once a
// connection is open: ask at every call, and in a long stream now and then.
StatusOr<Identity> PeerIdentity(const grpc::AuthContext& context, const TlsStore& store);

}  // namespace strata::tls

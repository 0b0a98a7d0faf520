#include "common/tls/grpc_credentials.h"

#include <grpc/grpc_security.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/tls/certificate.h"
#include "common/tls/identity_cache.h"

namespace strata::tls {
namespace {

// What gRPC asks for a server's certificate at each handshake of one port.
class CertificateSource {
 public:
  explicit CertificateSource(std::shared_ptr<const TlsStore> store) : store_(std::move(store)) {}

  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<CertificateSource*>(self)->FetchNow(config);
  }

 private:
  grpc_ssl_certificate_config_reload_status FetchNow(grpc_ssl_server_certificate_config** config) {
    absl::MutexLock lock(&mu_);
    std::shared_ptr<const TlsMaterial> material = store_->Current();
    if (material == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair{.private_key = material->key_pem.c_str(),
                                          .cert_chain = material->certificate_pem.c_str()};
    *config = grpc_ssl_server_certificate_config_create(material->authority_pem.c_str(), &pair, 1);
    given_ = std::move(material);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const std::shared_ptr<const TlsStore> store_;
  absl::Mutex mu_;
  std::shared_ptr<const TlsMaterial> given_ ABSL_GUARDED_BY(mu_);  // What gRPC has.
};

// gRPC does not say when it asks for the last time, so a source lives as long as the process. There
// is one for each port that a server listens on.
CertificateSource& NewSource(std::shared_ptr<const TlsStore> store) {
  static absl::Mutex mu(absl::kConstInit);
  static auto& sources = *new std::vector<std::unique_ptr<CertificateSource>>;
  absl::MutexLock lock(&mu);
  sources.push_back(std::make_unique<CertificateSource>(std::move(store)));
  return *sources.back();
}

// gRPC's own SslServerCredentials() keep the files that they got at the start; its core can ask for
// new ones at every handshake.
class ReloadingServerCredentials final : public grpc::ServerCredentials {
 public:
  explicit ReloadingServerCredentials(std::shared_ptr<const TlsStore> store)
      : store_(std::move(store)) {}

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    grpc_server_credentials* credentials = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, &CertificateSource::Fetch,
            &NewSource(store_)));
    const int port = grpc_server_add_http2_port(server, address.c_str(), credentials);
    grpc_server_credentials_release(credentials);
    return port;
  }

  const std::shared_ptr<const TlsStore> store_;
};

// That the server is a manager, after gRPC has found that its certificate is of the authority.
class ManagerVerifier final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  explicit ManagerVerifier(std::shared_ptr<const TlsStore> store) : store_(std::move(store)) {}

  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)>, grpc::Status* result) override {
    const grpc::string_ref pem = request->peer_cert();
    const Status status = Check(std::string_view(pem.data(), pem.size()));
    if (!status.ok()) *result = {grpc::StatusCode::UNAUTHENTICATED, MessageOf(status)};
    return true;
  }

  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest*) override {}

 private:
  Status Check(std::string_view pem) const {
    STRATA_ASSIGN_OR_RETURN(const Identity identity, IdentityOfCertificate(pem));
    if (identity.role != Role::kManager) {
      return PermissionDenied("the certificate is that of %s, not of a manager",
                              ToString(identity).c_str());
    }
    return store_->Check(identity);
  }

  const std::shared_ptr<const TlsStore> store_;
};

// Of the process: peers show the same certificate at every call.
constexpr size_t kPeersMax = 4096;
IdentityCache& Peers() {
  static auto& peers = *new IdentityCache(kPeersMax);
  return peers;
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(
    std::shared_ptr<const TlsStore> store) {
  return std::make_shared<ReloadingServerCredentials>(std::move(store));
}

std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(
    std::shared_ptr<const TlsStore> store) {
  namespace experimental = grpc::experimental;
  const std::shared_ptr<const TlsMaterial> material = store->Current();
  experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(std::make_shared<experimental::StaticDataCertificateProvider>(
      material->authority_pem,
      std::vector<experimental::IdentityKeyCertPair>{
          {.private_key = material->key_pem, .certificate_chain = material->certificate_pem}}));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_certificate_verifier(
      experimental::ExternalCertificateVerifier::Create<ManagerVerifier>(std::move(store)));
  // Whatever address a manager has: its certificate names a scope, not a host.
  options.set_check_call_host(false);
  return experimental::TlsCredentials(options);
}

Status CheckManager(const grpc::AuthContext& context, const TlsStore& store) {
  STRATA_ASSIGN_OR_RETURN(const Identity peer, PeerIdentity(context, store));
  if (peer.role == Role::kManager) return Ok();
  return MakeStatus(StatusCode::kUnauthenticated,
                    "the certificate is that of " + ToString(peer) + ", not of a manager");
}

StatusOr<Identity> PeerIdentity(const grpc::AuthContext& context, const TlsStore& store) {
  const std::vector<grpc::string_ref> pems =
      context.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (pems.size() != 1) {
    return MakeStatus(StatusCode::kUnauthenticated, "no certificate was shown");
  }
  StatusOr<Identity> identity =
      Peers().IdentityOf(std::string_view(pems.front().data(), pems.front().size()));
  if (!identity.ok()) {
    return MakeStatus(StatusCode::kUnauthenticated, MessageOf(identity.status()));
  }
  STRATA_RETURN_IF_ERROR(store.Check(*identity));
  return identity;
}

}  // namespace strata::tls

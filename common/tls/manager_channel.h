#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/time.h"
#include "common/tls/tls_files.h"

namespace strata::tls {

// The connection to one manager, for many calls: a handshake costs both sides ten milliseconds of
// processor time, half of it for the reading of certificates. A call to a manager that cannot be
// reached fails at once; it is tried again each half second at most. One thread at a time.
class ManagerChannel {
 public:
  // `address`: HOST:PORT. Answers of more than `message_bytes_max` bytes are refused; 0: gRPC's own
  // limit, 4 MiB. `keepalive`: calls that go on fail when the other machine has not answered for
  // twice as long; a second at least, and the server must allow it
  // (GRPC_ARG_HTTP2_MIN_RECV_PING_…); 0: a cable that was cut is not noticed.
  ManagerChannel(std::string address, std::shared_ptr<const TlsStore> tls,
                 int message_bytes_max = 0, Duration keepalive = Duration(0));

  // The same as long as the store holds the same files: a connection shows the certificate that it
  // began with for ever, and may lead to a manager whose certificate is void now. Its first call
  // connects. Who answers is a manager at the handshake; later ask CheckManager().
  const std::shared_ptr<grpc::Channel>& Get();

  // The next Get() is a new one: for who was silent too long, as gRPC does not notice that a cable
  // was cut, and for who wants a manager that was away tried at once.
  void Drop() { channel_.reset(); }
  // After a call that failed, which WasConnected() or not, and whose time was over or not: drops
  // what is better made anew. What goes on to connect may be connected the next time, however slow
  // this machine is. A manager that answers, if only that it does not lead, keeps its connection; a
  // late one may have lost it.
  void OnFailure(bool connected, bool late) {
    if (connected == late) Drop();
  }

  const std::string& address() const { return address_; }

 private:
  std::string address_;
  std::shared_ptr<const TlsStore> tls_;
  int message_bytes_max_;
  Duration keepalive_;
  std::shared_ptr<const TlsMaterial> of_;  // What the store held when it was made.
  std::shared_ptr<grpc::Channel> channel_;
};

// The connections to several managers, by their addresses: who is asked again needs no new
// handshake. One thread at a time.
class ManagerChannelMap {
 public:
  // As ManagerChannel's.
  explicit ManagerChannelMap(std::shared_ptr<const TlsStore> tls, int message_bytes_max = 0,
                             Duration keepalive = Duration(0));

  // The one to this manager; valid until Keep() drops it.
  ManagerChannel& To(const std::string& address);
  // Drops those to managers that are not among these.
  void Keep(const std::vector<std::string>& addresses);

 private:
  const std::shared_ptr<const TlsStore> tls_;
  const int message_bytes_max_;
  const Duration keepalive_;
  std::map<std::string, ManagerChannel> channels_;
};

// Whether a call that has ended had a connection.
bool WasConnected(const grpc::ClientContext& call);

}  // namespace strata::tls

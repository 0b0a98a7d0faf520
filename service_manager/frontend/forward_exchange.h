#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <functional>
#include <memory>

#include "common/address.h"
#include "common/time.h"
#include "service_manager/frontend/answer.h"
#include "service_manager/frontend/request_head.h"
#include "service_manager/routing/decision.h"

namespace strata::manager::frontend {

class Worker;

enum class ForwardResult : uint8_t {
  kAnswered,       // The connection to the client can go on.
  kAnsweredToEnd,  // It cannot: the answer ends with it.
  kUnreachable,    // Nothing was written to the client.
  kTimeout,        // Nor here; an engine was silent for too long.
  kBroken,         // The answer broke off, or the client has gone.
};

// One request that is fetched from an engine on the client's behalf: head and body go to the
// engine, head and body of its answer to the client, as they come. Goes to the next engine as long
// as that repeats nothing that may have been done. Its worker's thread only.
class ForwardExchange {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using Done = std::function<void(ForwardResult)>;

  // Takes what it needs of `decision` and `head`.
  static std::shared_ptr<ForwardExchange> Make(Worker& worker, const IpAddress& client,
                                               const routing::Decision& decision,
                                               const RequestHead& head);
  virtual ~ForwardExchange() = default;

  // `buffer` begins with the request's head. `done` is called once unless Cancel comes first; it
  // keeps alive what the references are to.
  virtual void Start(Socket& client, boost::beast::flat_buffer& buffer, Persistence persistence,
                     Done done) = 0;
  // Ends it when its deadline has passed.
  virtual void Sweep(Timestamp now) = 0;
  // The client's connection is closed.
  virtual void Cancel() = 0;
};

}  // namespace strata::manager::frontend

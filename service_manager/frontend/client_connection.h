#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <memory>
#include <optional>
#include <string>

#include "common/address.h"
#include "common/time.h"
#include "service_manager/frontend/answer.h"
#include "service_manager/frontend/counters.h"
#include "service_manager/frontend/forward_exchange.h"
#include "service_manager/frontend/inquiries.h"
#include "service_manager/frontend/request_head.h"
#include "service_manager/frontend/worker.h"

namespace strata::manager::frontend {

// One connection of a client: reads requests, answers them one after the other, in the order in
// which they came. Owned by its worker, and kept by what it waits for; its worker's thread only.
class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
  ClientConnection(Worker& worker, boost::asio::ip::tcp::socket socket, const IpAddress& client);

  // `place`: where the worker keeps it.
  void Start(Worker::Connections::iterator place);
  // Closes if a deadline has passed.
  void Sweep(Timestamp now);
  // At once; the worker forgets it.
  void Close();

 private:
  enum class Waiting : uint8_t { kRequest, kRestOfRequest, kReader, kManagers, kEngine, kEnd };

  void Read();
  void OnRead(const boost::system::error_code& error, size_t bytes);
  // Answers what is in the buffer, then writes the answers.
  void Process();
  // False if the head is not complete.
  bool AnswerNext();
  void Answer(const RequestHead& head);
  void Answer(const routing::Decision& decision, const RequestHead& head);
  // Takes it out of the buffer, unless it is still to be answered.
  void Consume(const RequestHead& head);
  // False, with a refusal, if there is nothing to answer requests from.
  bool CheckReady(const RequestHead& head);
  // True if other managers are asked first where the content is.
  bool AskOthers(const routing::Decision& decision, const RequestHead& head);
  void OnLocated(Inquiries::Copies copies);
  // Goes on with the request for which others were asked.
  void AnswerLocated();
  bool IsAsking() const { return question_ != 0 || located_.has_value(); }
  routing::Request RequestOf(const RequestHead& head) const;
  Persistence PersistenceAfter(const RequestHead& head, bool reads_body) const;
  void Refuse(Ending ending, Refusal refusal, Persistence persistence);
  void RefuseHead(HeadResult result);
  void Flush();
  void OnFlushed();
  void OnForwarded(ForwardResult result);
  void Linger();

  Worker& worker_;
  boost::asio::ip::tcp::socket socket_;
  const IpAddress client_;
  const bool operator_;
  Worker::Connections::iterator place_;
  bool closed_ = false;

  boost::beast::flat_buffer buffer_;
  size_t searched_ = 0;
  size_t requests_ = 0;
  std::string answers_;
  bool ends_ = false;  // After what is in answers_.
  std::shared_ptr<ForwardExchange> forward_;
  Persistence forward_persistence_;
  bool forward_head_only_ = false;
  // The next request in the buffer waits for other managers: the question to them, or what they
  // said while answers before it were still being written.
  Inquiries::Number question_ = 0;
  std::optional<Inquiries::Copies> located_;

  Waiting waiting_ = Waiting::kRequest;
  Timestamp now_;  // When it was last woken.
  Timestamp deadline_ = Timestamp::Never();
  size_t lingered_ = 0;
};

}  // namespace strata::manager::frontend

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "common/time.h"
#include "service_manager/federation/locate/locate_messages.h"
#include "service_manager/frontend/front_end_state.h"
#include "service_manager/routing/decision.h"

namespace strata::manager::frontend {

// What one thread of a front end asks other managers: where a content is that nobody here is known
// to hold. Each question ends, with what they said or after locate_timeout. Its worker's thread
// only; answers come from any.
class Inquiries {
 public:
  using Copies = std::vector<federation::LocatedCopy>;
  using Done = std::function<void(Copies)>;  // None: they know of no copy, or did not answer.
  using Number = uint64_t;                   // Of a question; 0 is none.

  Inquiries(boost::asio::io_context& io, FrontEndState& state);
  ~Inquiries() { Close(); }
  Inquiries(const Inquiries&) = delete;
  Inquiries& operator=(const Inquiries&) = delete;

  // Asks where the content of `decision` is. `done` is called once, in a later turn of the loop,
  // unless Forget or Close comes first. 0: nobody can be asked now.
  Number Ask(const routing::Decision& decision, Done done);
  void Forget(Number number);
  // Forgets all questions, for good.
  void Close();

 private:
  class Mailbox;
  struct Open {
    Done done;
    Timestamp deadline;
  };

  void OnMail();
  void OnAnswer(Number number, StatusOr<federation::LocateAnswer> answer);
  // Ends those whose time is over.
  void OnTimer();
  void SetTimer();

  FrontEndState& state_;
  boost::asio::steady_timer timer_;
  const std::shared_ptr<Mailbox> mailbox_;
  Number last_ = 0;
  // All have the same time, so the first number has the first deadline.
  std::map<Number, Open> open_;
};

}  // namespace strata::manager::frontend

#include "service_manager/frontend/inquiries.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "service_manager/frontend/limits.h"
#include "service_manager/frontend/worker.h"

namespace strata::manager::frontend {

using federation::LocateAnswer;
using federation::LocatedCopy;

// Where other threads put answers; lives on while somebody may answer. Any thread.
class Inquiries::Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  using Letter = std::pair<Number, StatusOr<LocateAnswer>>;

  Mailbox(boost::asio::io_context& io, Inquiries& reader) : io_(&io), reader_(reader) {}

  void Put(Number number, StatusOr<LocateAnswer> answer) {
    absl::MutexLock lock(&mutex_);
    if (io_ == nullptr) return;
    letters_.emplace_back(number, std::move(answer));
    if (letters_.size() > 1) return;  // The reader is on its way.
    boost::asio::post(*io_, [self = shared_from_this()] {
      if (self->IsOpen()) self->reader_.OnMail();
    });
  }
  std::vector<Letter> TakeAll() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(letters_, {});
  }
  void Close() {
    absl::MutexLock lock(&mutex_);
    io_ = nullptr;
    letters_.clear();
  }

 private:
  bool IsOpen() const {
    absl::MutexLock lock(&mutex_);
    return io_ != nullptr;
  }

  mutable absl::Mutex mutex_;
  boost::asio::io_context* io_ ABSL_GUARDED_BY(mutex_);  // Null: the reader is gone.
  std::vector<Letter> letters_ ABSL_GUARDED_BY(mutex_);
  Inquiries& reader_;
};

Inquiries::Inquiries(boost::asio::io_context& io, FrontEndState& state)
    : state_(state), timer_(io), mailbox_(std::make_shared<Mailbox>(io, *this)) {}

Inquiries::Number Inquiries::Ask(const routing::Decision& decision, Done done) {
  const FrontEndOptions& options = state_.options();
  if (options.locate == nullptr) return 0;
  if (open_.size() >= std::max<size_t>(1, options.locates_max / options.threads)) {
    state_.counters().Of(Located::kTooMany).Add();
    return 0;
  }
  const Number number = ++last_;
  open_[number] = {.done = std::move(done), .deadline = Worker::Now() + options.locate_timeout};
  if (open_.size() == 1) SetTimer();
  federation::LocateQuestion question;
  question.key = decision.key;
  question.canonical_uri = std::string(decision.uri);
  question.time_left = options.locate_timeout - options.locate_timeout / kLocateReturnShare;
  options.locate(std::move(question), [mailbox = mailbox_, number](StatusOr<LocateAnswer> answer) {
    mailbox->Put(number, std::move(answer));
  });
  return number;
}

void Inquiries::Forget(Number number) { open_.erase(number); }

void Inquiries::Close() {
  mailbox_->Close();
  timer_.cancel();
  open_.clear();
}

void Inquiries::OnMail() {
  for (auto& [number, answer] : mailbox_->TakeAll()) OnAnswer(number, std::move(answer));
}

void Inquiries::OnAnswer(Number number, StatusOr<LocateAnswer> answer) {
  auto question = open_.extract(number);
  if (question.empty()) return;  // Forgotten, or its time was over.
  Copies copies;
  if (answer.ok()) copies = std::move(answer->copies);
  std::erase_if(copies, [this](const LocatedCopy& copy) {
    return copy.holder.scope == state_.options().scope;
  });
  state_.counters()
      .Of(!answer.ok()     ? Located::kFailed
          : copies.empty() ? Located::kNothing
                           : Located::kFound)
      .Add();
  question.mapped().done(std::move(copies));
}

void Inquiries::SetTimer() {
  if (open_.empty()) return;
  const Duration wait = open_.begin()->second.deadline - Worker::Now();
  timer_.expires_after(std::max(wait, Duration::zero()));
  timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) OnTimer();
  });
}

void Inquiries::OnTimer() {
  const Timestamp now = Worker::Now();
  while (!open_.empty() && open_.begin()->second.deadline <= now) {
    auto question = open_.extract(open_.begin());
    state_.counters().Of(Located::kLate).Add();
    question.mapped().done({});
  }
  SetTimer();
}

}  // namespace strata::manager::frontend

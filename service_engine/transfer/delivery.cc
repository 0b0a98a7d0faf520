#include "service_engine/transfer/delivery.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "service_engine/transfer/ask.h"
#include "service_engine/transfer/bell.h"
#include "service_engine/transfer/limits.h"

namespace strata::engine::transfer {
namespace {

namespace asio = boost::asio;

constexpr int kNoContent = 204;
constexpr int kNotModified = 304;
constexpr int kServerError = 500;

// One reader of one fetch.
class Delivery {
 public:
  Delivery(AgentContext& agent, NginxConnection& nginx, const NginxRequest& request,
           FetchTable::Seat& seat, bool fills)
      : agent_(agent),
        nginx_(nginx),
        request_(request),
        seat_(seat),
        fills_(fills),
        bell_(std::make_shared<Bell>(nginx.strand())),
        writing_(std::make_shared<bool>(false)),
        follower_(std::make_shared<Fetch::Follower>()) {
    follower_->bell = bell_;
    // A write that nginx does not take would hold up a purge. The connection lives as long as the
    // flag is set: both are of this strand.
    follower_->interrupt = [writing = writing_, &nginx] {
      if (*writing) nginx.Cancel();
    };
    seat_.fetch().Follow(follower_);
  }
  ~Delivery() {
    *writing_ = false;
    seat_.fetch().Unfollow(follower_);
  }
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  asio::awaitable<Delivered> Run() {
    const FillBoard::Share share = co_await AwaitAnswer();
    if (share == FillBoard::Share::kOwn) co_return Delivered::kOwn;
    if (share != FillBoard::Share::kTake) co_return Delivered::kGone;
    const Fetch::View view = seat_.fetch().Look();
    bool whole = false;
    if (!view.cut && !LeavesStaleCopy(*view.head)) {
      *writing_ = true;
      whole = co_await WriteAll(view);
      *writing_ = false;
    }
    if (!whole) {
      agent_.counters.readers_cut.Add();
      nginx_.BreakOff();
    }
    if (fills_ || !whole) co_await nginx_.AwaitClose(kFillClose);
    co_return whole ? Delivered::kWhole : Delivered::kBroken;
  }

 private:
  // nginx has an old copy, and serves it as long as stale-if-error allows if it gets no answer.
  bool LeavesStaleCopy(const AnswerHead& head) const {
    return fills_ && head.status >= kServerError && HasExpiredCopy(request_);
  }

  // Fetches end by themselves; the limit is for what nobody thought of.
  asio::awaitable<FillBoard::Share> AwaitAnswer() {
    const SteadyTime until =
        std::chrono::steady_clock::now() + 2 * seat_.fetch().order().site->fill_limit + kFillClose;
    while (std::chrono::steady_clock::now() < until) {
      const FillBoard::Share share = seat_.Look(request_.fields);
      if (share != FillBoard::Share::kWait) co_return share;
      co_await bell_->Wait(until);
    }
    co_return FillBoard::Share::kGone;
  }

  asio::awaitable<bool> WriteAll(const Fetch::View& view) {
    const AnswerHead& head = *view.head;
    const bool no_body = head.status == kNoContent || head.status == kNotModified;
    AnswerText text(head.status, head.reason);
    // nginx believes the first of Cache-Control and Expires, and X-Accel-Expires behind it.
    if (!head.freshness.cache_control.empty()) {
      text.Add("Cache-Control", head.freshness.cache_control);
    }
    text.Add("X-Accel-Expires", std::to_string(fills_ ? head.freshness.seconds : 0));
    text.Add(head.fields);
    if (fills_) text.Add("Connection", "close");
    const std::string front = no_body ? text.DoneWithoutBody() : text.Done(head.length);
    if (!co_await nginx_.Write(front)) co_return false;
    if (no_body || request_.method == "HEAD") co_return true;
    co_return co_await WriteBody(view.round, head.length);
  }

  asio::awaitable<bool> WriteBody(uint32_t round, std::optional<uint64_t> length) {
    const bool chunked = !length.has_value();
    std::vector<uint8_t> piece(PieceFor(length));
    uint64_t written = 0;
    while (true) {
      const Fetch::View now = seat_.fetch().Look();
      if (now.cut || now.round != round) co_return false;
      if (written < now.bytes) {
        const size_t size =
            static_cast<size_t>(std::min<uint64_t>(piece.size(), now.bytes - written));
        if (!now.spool->ReadAt(written, std::span(piece).first(size)).ok()) {
          agent_.counters.spool_errors.Add();
          co_return false;
        }
        if (!co_await nginx_.WritePiece(ByteSpan(piece).first(size), chunked)) co_return false;
        written += size;
      } else if (now.end == Fetch::End::kOpen) {
        // The fetch itself ends for want of progress; this is no second limit.
        co_await bell_->Wait(SteadyTime::max());
      } else {
        if (now.end == Fetch::End::kBroken) co_return false;
        if (!chunked) co_return true;
        co_return co_await nginx_.WritePiece({}, true);
      }
    }
  }

  AgentContext& agent_;
  NginxConnection& nginx_;
  const NginxRequest& request_;
  FetchTable::Seat& seat_;
  const bool fills_;
  const std::shared_ptr<Bell> bell_;
  const std::shared_ptr<bool> writing_;
  const std::shared_ptr<Fetch::Follower> follower_;
};

}  // namespace

asio::awaitable<Delivered> Deliver(AgentContext& agent, NginxConnection& nginx,
                                   const NginxRequest& request, FetchTable::Seat& seat,
                                   bool fills) {
  Delivery delivery(agent, nginx, request, seat, fills);
  co_return co_await delivery.Run();
}

}  // namespace strata::engine::transfer

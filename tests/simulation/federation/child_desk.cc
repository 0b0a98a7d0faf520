#include "tests/simulation/federation/child_desk.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/tls/identity.h"

namespace strata::simulation::federation {

namespace feed = manager::federation;

namespace {

constexpr Duration kCloseNotice = std::chrono::milliseconds(20);

}  // namespace

ChildDesk::ChildDesk(Wiring& wiring, size_t child, ManagerDirectory& directory,
                     WhichStore which_store)
    : wiring_(wiring),
      child_(child),
      directory_(directory),
      which_store_(std::move(which_store)),
      receiver_({.child = wiring.scope(child)}, directory.index(), directory.reader(), Known()),
      durable_(receiver_.position()) {}

bool ChildDesk::IsChilds(const HolderName& name) const {
  return tls::ScopeCovers(wiring_.scope(child_), name.scope);
}

feed::KnownOfChild ChildDesk::Known() const {
  feed::KnownOfChild known;
  const StoreState& state = directory_.store().state();
  const auto position = state.positions.find(wiring_.scope(child_));
  if (position != state.positions.end()) known.position = position->second;
  for (const auto& [holder, name] : directory_.names()) {
    if (IsChilds(name)) known.holders.push_back({holder, name});
  }
  for (const auto& [key, copies] : KnowledgeOfChild()) {
    for (const auto& [name, flags] : copies) known.digests.Add(key, feed::IdentityOf(name), flags);
  }
  return known;
}

Knowledge ChildDesk::KnowledgeOfChild() const {
  Knowledge known;
  for (const auto& [key, row] : directory_.store().state().contents) {
    for (const auto& [holder, copy] : row.copies) {
      const HolderName& name = directory_.NameOf(holder);
      if (IsChilds(name)) known[key][name] = copy.flags;
    }
  }
  return known;
}

void ChildDesk::Stop() {
  stopped_ = true;
  if (stream_ != nullptr) End(stream_);
}

void ChildDesk::End(const std::shared_ptr<Stream>& stream) {
  stream->Close(Stream::Direction::kDown, kCloseNotice);
  if (stream_ == stream) stream_.reset();
}

void ChildDesk::Greeted(ParentLink& child, const std::shared_ptr<Stream>& stream,
                        const feed::FeedGreeting& greeting) {
  if (stopped_) {
    End(stream);
    return;
  }
  if (stream_ != nullptr) {
    wiring_.events.Count(Event::kStreamReplaced);
    End(stream_);
  }
  const auto welcome = receiver_.Connected(greeting);
  if (!welcome.ok()) {
    const bool deposed = welcome.status().code() == StatusCode::kFailedPrecondition;
    if (!deposed) wiring_.ExpectOk("receiver", welcome.status());
    wiring_.events.Count(Event::kDeposedChild);
    End(stream);
    return;
  }
  if (forgot_) wiring_.events.Count(Event::kForgotten);
  forgot_ = false;
  stream_ = stream;
  link_ = &child;
  stream_->OnCut(Stream::Direction::kDown, [this, mine = stream_.get()] {
    if (stream_.get() == mine) stream_.reset();
  });
  Down([welcome = *welcome](ParentLink& link, const Stream* on) { link.Welcomed(on, welcome); });
  Acknowledge();  // The stream before may not have brought it.
}

void ChildDesk::Down(std::function<void(ParentLink&, const Stream*)> tell) {
  if (stream_ == nullptr) return;
  stream_->Send(Stream::Direction::kDown,
                [link = link_, on = stream_.get(), tell = std::move(tell)] { tell(*link, on); });
}

bool ChildDesk::Apply(const feed::ToldCopy& told) {
  if (told.copy == nullptr) {
    directory_.Remove(told.key, told.holder);
  } else {
    directory_.Put(told.key, {told.holder, told.copy->flags}, told.copy->size_bytes, told.uri);
  }
  return true;
}

void ChildDesk::Arrived(const std::shared_ptr<Stream>& stream, const Bytes& batch) {
  if (stopped_ || stream_ != stream) return;
  const auto received = receiver_.Take(
      batch,
      [this](const feed::Introduction& introduction) -> StatusOr<Holder> {
        return directory_.NumberOf(introduction.name);
      },
      [this](const feed::ToldCopy& told) { return Apply(told); });
  if (!received.ok()) {
    wiring_.ExpectOk("receiver", received.status());
    End(stream);
    return;
  }
  directory_.SetPosition(wiring_.scope(child_), received->position);
  marks_.push_back({directory_.Commit(), received->position});
  for (const feed::FeedComparison& comparison : received->comparisons) {
    Down([comparison](ParentLink& link, const Stream* on) { link.Compared(on, comparison); });
  }
}

void ChildDesk::OnDurable() {
  bool more = false;
  for (; !marks_.empty() && marks_.front().commit <= directory_.store().synced(); more = true) {
    durable_ = marks_.front().position;
    marks_.pop_front();
  }
  if (more && !stopped_) Acknowledge();
}

void ChildDesk::Acknowledge() {
  const auto acknowledgement = receiver_.OnDurable(durable_);
  if (!acknowledgement) return;
  Down([told = *acknowledgement](ParentLink& link, const Stream* on) {
    link.Acknowledged(on, told);
  });
}

bool ChildDesk::Forget() {
  if (stream_ != nullptr) return false;
  std::vector<std::pair<farm::ContentKey, Holder>> known;
  for (const auto& [key, row] : directory_.store().state().contents) {
    for (const auto& [holder, copy] : row.copies) {
      if (IsChilds(directory_.NameOf(holder))) known.emplace_back(key, holder);
    }
  }
  receiver_.Forget();
  for (const auto& [key, holder] : known) directory_.Remove(key, holder);
  directory_.SetPosition(wiring_.scope(child_), {});
  directory_.Commit();
  marks_.clear();
  durable_ = {};
  forgot_ = true;
  return true;
}

}  // namespace strata::simulation::federation

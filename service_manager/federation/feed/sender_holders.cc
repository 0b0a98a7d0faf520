#include "service_manager/federation/feed/sender_holders.h"

#include <algorithm>

#include "common/check.h"
#include "common/tls/identity.h"

namespace strata::manager::federation {
namespace {

Status CheckIntroduction(const Introduction& introduction) {
  const HolderName& name = introduction.name;
  STRATA_RETURN_IF_ERROR(tls::CheckScope(name.scope));
  if (!name.engine.empty()) STRATA_RETURN_IF_ERROR(tls::CheckName(name.engine));
  const size_t clients_max = name.engine.empty() ? 0 : kFeedEndpointsMax;
  if (introduction.clients.size() > clients_max) {
    return InvalidArgument("%s: %zu addresses for clients, at most %zu can be told",
                           ToString(name).c_str(), introduction.clients.size(), clients_max);
  }
  return Ok();
}

}  // namespace

Status SenderHolders::Set(const Introduction& introduction, uint64_t next) {
  STRATA_RETURN_IF_ERROR(CheckIntroduction(introduction));
  if (known_.size() >= kFeedHoldersMax && !known_.contains(introduction.holder)) {
    return ResourceExhausted("%s: the parent is told of at most %zu holders",
                             ToString(introduction.name).c_str(), kFeedHoldersMax);
  }
  const auto [found, fresh] = known_.try_emplace(introduction.holder);
  Known& known = found->second;
  if (!fresh && known.introduction.name != introduction.name) {
    return InvalidArgument("holder %u is %s, and not %s", introduction.holder.value(),
                           ToString(known.introduction.name).c_str(),
                           ToString(introduction.name).c_str());
  }
  known.forgotten_before = 0;
  if (!fresh && known.introduction == introduction) return Ok();
  known.introduction = introduction;
  known.identity = IdentityOf(introduction.name);
  known.changed_before = next;
  known.stream = 0;
  if (!fresh) MakeDue(introduction.holder, known);
  return Ok();
}

void SenderHolders::MakeDue(directory::Holder holder, Known& known) {
  if (!known.due) due_.push_back(holder);
  known.due = true;
}

void SenderHolders::Forget(directory::Holder holder, uint64_t next) {
  const auto found = known_.find(holder);
  if (found == known_.end() || found->second.forgotten_before != 0) return;
  found->second.forgotten_before = next;
  forgotten_.emplace_back(next, holder);
  OnForgotten(kept_from_ - 1);
}

void SenderHolders::OnForgotten(uint64_t sequence) {
  kept_from_ = sequence + 1;
  while (!forgotten_.empty() && forgotten_.front().first <= kept_from_) {
    Drop(forgotten_.front().second, forgotten_.front().first);
    forgotten_.pop_front();
  }
}

void SenderHolders::Drop(directory::Holder holder, uint64_t forgotten_before) {
  const auto found = known_.find(holder);
  // It may be in use again, or forgotten again since.
  if (found == known_.end() || found->second.forgotten_before != forgotten_before) return;
  known_.erase(found);
}

HolderIdentity SenderHolders::identity(directory::Holder holder) const {
  const auto found = known_.find(holder);
  STRATA_CHECK(found != known_.end(), "holder %u was not set", holder.value());
  return found->second.identity;
}

void SenderHolders::OnStream(std::optional<uint64_t> position) {
  ++stream_;
  due_.clear();
  for (auto& [holder, known] : known_) {
    const bool heard = position && known.changed_before <= *position;
    known.due = false;
    if (!heard && known.forgotten_before == 0) MakeDue(holder, known);
  }
  std::sort(due_.begin(), due_.end());  // The same in every run of a simulation.
}

const Introduction* SenderHolders::ToIntroduce(directory::Holder holder) const {
  const auto found = known_.find(holder);
  STRATA_CHECK(found != known_.end(), "holder %u was not set", holder.value());
  return found->second.stream == stream_ ? nullptr : &found->second.introduction;
}

void SenderHolders::OnIntroduced(directory::Holder holder) {
  known_.find(holder)->second.stream = stream_;
}

std::optional<directory::Holder> SenderHolders::NextDue() {
  for (; !due_.empty(); due_.pop_front()) {
    const auto found = known_.find(due_.front());
    if (found == known_.end()) continue;
    if (found->second.stream != stream_) return due_.front();
    found->second.due = false;
  }
  return std::nullopt;
}

}  // namespace strata::manager::federation

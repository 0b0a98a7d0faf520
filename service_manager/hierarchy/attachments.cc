#include "service_manager/hierarchy/attachments.h"

#include <algorithm>
#include <utility>

#include "common/tls/identity.h"
#include "service_manager/hierarchy/limits.h"

namespace strata::manager::hierarchy {
namespace {

bool Overlap(const std::string& a, const std::string& b) {
  return tls::ScopeCovers(a, b) || tls::ScopeCovers(b, a);
}

// What children say cannot make it wrap.
uint32_t Sum(uint32_t a, uint32_t b) {
  return static_cast<uint32_t>(std::min<uint64_t>(uint64_t{a} + b, UINT32_MAX));
}

bool AnyHides(const ChildPart& part, const Subtree& subtree) {
  return HidesCopies(part.policy) ||
         std::any_of(subtree.scopes.begin(), subtree.scopes.end(),
                     [](const SubtreeScope& scope) { return scope.hides_copies; });
}

}  // namespace

Status Attachments::OnAttached(const AttachHello& hello, const std::string& manager,
                               Timestamp now) {
  {
    absl::MutexLock lock(&mutex_);
    const auto known = children_.find(hello.child.scope);
    if (known != children_.end() && known->second.now.hello.epoch > hello.epoch) {
      return FailedPrecondition(
          "%s: epoch %llu is of a manager that was deposed; %s had %llu", hello.child.scope.c_str(),
          static_cast<unsigned long long>(hello.epoch), known->second.now.manager.c_str(),
          static_cast<unsigned long long>(known->second.now.hello.epoch));
    }
    MakeRoomFor(hello.child.scope);
    ChildNow& child = children_[hello.child.scope].now;
    child.hello = hello;
    child.manager = manager;
    child.connected = true;
    child.heard = now;
  }
  changed_();
  return Ok();
}

void Attachments::MakeRoomFor(const std::string& child) {
  std::vector<std::string> gone;
  const Child* oldest = nullptr;
  for (const auto& [scope, other] : children_) {
    if (scope == child || other.now.connected) continue;
    if (Overlap(scope, child)) gone.push_back(scope);
    if (oldest == nullptr || other.now.heard < oldest->now.heard) oldest = &other;
  }
  if (gone.empty() && oldest != nullptr && children_.size() >= kChildrenKnownMax) {
    gone.push_back(oldest->now.hello.child.scope);
  }
  for (const std::string& scope : gone) ForgetLocked(scope);
}

void Attachments::OnPart(const std::string& child, ChildPart part, Timestamp now) {
  {
    absl::MutexLock lock(&mutex_);
    Child& known = children_.at(child);
    known.now.heard = now;
    known.now.part = std::move(part);
    known.now.hides_copies = AnyHides(known.now.part, known.subtree);
  }
  changed_();
}

Status Attachments::OnReport(const std::string& child, ChildReport report, Timestamp now) {
  bool other_hiding = false;
  {
    absl::MutexLock lock(&mutex_);
    Child& known = children_.at(child);
    STRATA_RETURN_IF_ERROR(CheckSubtree(known.now.hello.child, report.subtree));
    STRATA_RETURN_IF_ERROR(loads_.Apply(child, std::move(report.load), now));
    known.subtree = std::move(report.subtree);
    known.reported = known.now.heard = now;
    const bool hides = AnyHides(known.now.part, known.subtree);
    other_hiding = std::exchange(known.now.hides_copies, hides) != hides;
  }
  if (other_hiding) changed_();
  return Ok();
}

void Attachments::OnDetached(const std::string& child, Timestamp now) {
  {
    absl::MutexLock lock(&mutex_);
    const auto known = children_.find(child);
    if (known == children_.end()) return;
    known->second.now.connected = false;
    known->second.now.heard = now;
  }
  changed_();
}

void Attachments::Forget(const std::string& child) {
  {
    absl::MutexLock lock(&mutex_);
    const auto known = children_.find(child);
    if (known == children_.end() || known->second.now.connected) return;
    ForgetLocked(child);
  }
  changed_();
}

void Attachments::ForgetLocked(const std::string& child) {
  children_.erase(child);
  loads_.Forget(child);
}

std::vector<ChildNow> Attachments::children() const {
  absl::MutexLock lock(&mutex_);
  std::vector<ChildNow> children;
  for (const auto& [_, child] : children_) children.push_back(child.now);
  return children;
}

std::vector<routing::ChildScope> Attachments::routed_children() const {
  absl::MutexLock lock(&mutex_);
  std::vector<routing::ChildScope> children;
  for (const auto& [scope, child] : children_) {
    children.push_back({.scope = scope,
                        .connected = child.now.connected,
                        .front_ends = child.now.part.front_ends});
  }
  return children;
}

void Attachments::WithLoads(absl::FunctionRef<void(const routing::ScopeLoadTable&)> read) const {
  absl::MutexLock lock(&mutex_);
  read(loads_);
}

routing::LoadReport Attachments::Loads(const std::string& own, Timestamp now) const {
  absl::MutexLock lock(&mutex_);
  return loads_.Report(own, kLoadStaleAfter, now);
}

Subtree Attachments::SubtreeUnder(SubtreeScope own, Timestamp now) const {
  Subtree subtree;
  subtree.scopes.push_back(std::move(own));
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [_, child] : children_) Append(child, now, subtree);
  }
  Limit(subtree);
  return subtree;
}

void Attachments::Append(const Child& child, Timestamp now, Subtree& subtree) {
  const size_t top = subtree.scopes.size();
  subtree.left_out += child.subtree.left_out;
  for (const SubtreeScope& scope : child.subtree.scopes) {
    subtree.scopes.push_back(scope);
    subtree.scopes.back().age += now - child.reported;
  }
  if (child.subtree.scopes.empty()) {  // Attached, and has not reported yet.
    subtree.scopes.push_back({.place = child.now.hello.child,
                              .version = child.now.hello.version,
                              .managers = child.now.part.managers});
  }
  SubtreeScope& own = subtree.scopes.front();
  subtree.scopes[top].parent = own.place.scope;
  subtree.scopes[top].heard = child.now.connected;
  own.engines = Sum(own.engines, subtree.scopes[top].engines);
  own.engines_up = Sum(own.engines_up, subtree.scopes[top].engines_up);
}

}  // namespace strata::manager::hierarchy

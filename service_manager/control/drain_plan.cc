#include "service_manager/control/drain_plan.h"

#include <algorithm>
#include <utility>

namespace strata::manager::control {

using farm::ContentKey;
using farm::EngineId;

// ---- What there is.

void DrainPlan::SetSole(EngineId drained, std::vector<Sole> sole, Timestamp now) {
  Source& source = sources_[drained];
  source.sole = std::move(sole);
  source.next = std::min(source.next, source.sole.size());
  std::erase_if(source.work,
                [&](const auto& work) { return FindSole(source, work.first) == nullptr; });
  for (auto& [key, work] : source.work) {
    if (work.state != State::kCopied || now < work.until) continue;
    Fail(work, "it was copied, but the copy is not served", now);
  }
}

void DrainPlan::Forget(EngineId drained) { sources_.erase(drained); }

void DrainPlan::OnAway(EngineId engine) {
  askers_.erase(engine);
  Release(engine);
  const auto it = sources_.find(engine);
  if (it == sources_.end()) return;
  // What it said is of its life before.
  std::erase_if(it->second.work, [](const auto& work) {
    return work.second.state == State::kPreparing || work.second.state == State::kReady;
  });
}

std::vector<EngineId> DrainPlan::sources() const {
  std::vector<EngineId> ids;
  for (const auto& [id, source] : sources_) ids.push_back(id);
  return ids;
}

const DrainPlan::Sole* DrainPlan::FindSole(const Source& source, const ContentKey& key) {
  const auto it = std::lower_bound(source.sole.begin(), source.sole.end(), key,
                                   [](const Sole& a, const ContentKey& b) { return a.key < b; });
  return it == source.sole.end() || it->key != key ? nullptr : &*it;
}

void DrainPlan::Fail(Work& work, const std::string& problem, Timestamp now) {
  const uint32_t doublings = std::min<uint32_t>(work.failures, 10);
  const Duration pause = std::min(kCopyAgainMax, kCopyAgain * (1 << doublings));
  ++work.failures;
  work.state = State::kWaiting;
  work.until = now + pause;
  work.problem = problem;
}

void DrainPlan::Release(EngineId target) {
  for (auto& [id, source] : sources_) {
    for (auto& [key, work] : source.work) {
      if (work.state == State::kCopying && work.target == target) work.state = State::kReady;
    }
  }
}

uint64_t DrainPlan::RoomAtMost(EngineId source, Timestamp now, bool& anybody) const {
  uint64_t room = 0;
  anybody = false;
  for (const auto& [id, asker] : askers_) {
    if (id == source || !asker.target.takes || now - asker.at > kAskedLately) continue;
    anybody = true;
    room = std::max(room, asker.target.free_bytes);
  }
  return room;
}

std::string DrainPlan::WhyNobody(EngineId source, uint64_t size, Timestamp now) const {
  bool anybody = false;
  const uint64_t room = RoomAtMost(source, now, anybody);
  if (!anybody) return "no other engine that could take it is there";
  if (room >= size) return "";
  return "no engine has room for it: it has " + std::to_string(size) + " bytes, the most room is " +
         std::to_string(room);
}

// ---- A draining engine asks.

std::vector<ContentKey> DrainPlan::TakePreparations(EngineId drained, Timestamp now) {
  std::vector<ContentKey> keys;
  const auto it = sources_.find(drained);
  if (it == sources_.end()) return keys;
  Source& source = it->second;
  size_t prepared = 0;
  uint64_t bytes = 0;
  for (auto& [key, work] : source.work) {
    // It asks, so it sums nothing.
    if (work.state == State::kPreparing) work.state = State::kWaiting;
    if (work.state == State::kWaiting || work.state == State::kCopied) continue;
    ++prepared;
    bytes += work.original.size;
  }
  bool anybody = false;
  const uint64_t room = RoomAtMost(drained, now, anybody);
  if (!anybody) return keys;
  for (size_t looked = 0; looked < std::min(source.sole.size(), kLooksPerAsk); ++looked) {
    if (keys.size() == kPreparationsPerAsk || prepared == kPreparedMax) break;
    if (source.next >= source.sole.size()) source.next = 0;
    const Sole& sole = source.sole[source.next];
    if (prepared != 0 && bytes + sole.size > kPreparedBytesMax) break;
    ++source.next;
    if (sole.size > room) continue;
    const auto found = source.work.find(sole.key);
    if (found != source.work.end()) {
      if (found->second.state != State::kWaiting || now < found->second.until) continue;
    }
    source.work[sole.key].state = State::kPreparing;
    keys.push_back(sole.key);
    ++prepared;
    bytes += sole.size;
  }
  return keys;
}

void DrainPlan::OnPrepared(EngineId drained, const ContentKey& key, Original original) {
  const auto source = sources_.find(drained);
  if (source == sources_.end()) return;
  const auto work = source->second.work.find(key);
  if (work == source->second.work.end() || work->second.state != State::kPreparing) return;
  work->second.state = State::kReady;
  work->second.original = std::move(original);
}

void DrainPlan::OnNotPrepared(EngineId drained, const ContentKey& key, const std::string& problem,
                              Timestamp now) {
  const auto source = sources_.find(drained);
  if (source == sources_.end()) return;
  const auto work = source->second.work.find(key);
  if (work == source->second.work.end() || work->second.state != State::kPreparing) return;
  work->second.target = drained;
  Fail(work->second, problem, now);
}

// ---- Others ask.

std::vector<DrainPlan::Order> DrainPlan::TakeOrders(const Target& target, Timestamp now) {
  askers_[target.engine] = {target, now};
  Release(target.engine);
  std::vector<Order> orders;
  if (!target.takes) return orders;
  uint64_t bytes = 0;
  for (auto& [id, source] : sources_) {
    if (id == target.engine) continue;
    for (auto& [key, work] : source.work) {
      if (orders.size() == kOrdersPerAsk) return orders;
      if (work.state != State::kReady) continue;
      const uint64_t size = work.original.size;
      if (bytes + size > target.free_bytes) continue;
      if (!orders.empty() && bytes + size > kOrderBytesMax) continue;
      work.state = State::kCopying;
      work.target = target.engine;
      orders.push_back({key, id, work.original});
      bytes += size;
    }
  }
  return orders;
}

std::optional<EngineId> DrainPlan::OnCopied(EngineId target, const ContentKey& key,
                                            const std::string& problem, Timestamp now) {
  for (auto& [id, source] : sources_) {
    const auto it = source.work.find(key);
    if (it == source.work.end()) continue;
    Work& work = it->second;
    if (work.state != State::kCopying || work.target != target) continue;
    if (problem.empty()) {
      work.state = State::kCopied;
      work.until = now + kCopyTellLimit;
    } else {
      Fail(work, problem, now);
    }
    return id;
  }
  return std::nullopt;
}

// ---- Looking.

DrainPlan::Progress DrainPlan::ProgressOf(EngineId drained, Timestamp now) const {
  Progress progress;
  const auto it = sources_.find(drained);
  if (it == sources_.end()) return progress;
  const Source& source = it->second;
  bool anybody = false;
  const uint64_t room = RoomAtMost(drained, now, anybody);
  for (const Sole& sole : source.sole) {
    ++progress.contents_left;
    progress.bytes_left += sole.size;
    const auto found = source.work.find(sole.key);
    const Work* work = found == source.work.end() ? nullptr : &found->second;
    const bool going = work != nullptr && work->state != State::kWaiting;
    const bool failed = work != nullptr && work->state == State::kWaiting && work->failures != 0;
    const bool nobody =
        (work == nullptr || work->state == State::kWaiting || work->state == State::kReady) &&
        (!anybody || sole.size > room);
    if (nobody || failed) {
      ++progress.failing;
      if (progress.problems.size() == kProblemsTold) continue;
      progress.problems.push_back({sole.key, work == nullptr ? "" : work->original.uri,
                                   nobody ? WhyNobody(drained, sole.size, now) : work->problem});
    } else if (going) {
      ++progress.in_flight;
    }
  }
  return progress;
}

}  // namespace strata::manager::control

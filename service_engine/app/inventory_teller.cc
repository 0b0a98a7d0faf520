#include "service_engine/app/inventory_teller.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "absl/time/time.h"

namespace strata::engine::app {
namespace {

constexpr size_t kChangesOfMessage = 500;
constexpr size_t kOnTheirWayMax = 16;
constexpr size_t kUrisWaitingMax = 1'000'000;
constexpr Duration kTryAgain = std::chrono::milliseconds(200);
constexpr Duration kFlightLimit = std::chrono::seconds(10);

}  // namespace

InventoryTeller::InventoryTeller(farm::FarmMember& member, NginxAdapter& adapter,
                                 farm::EngineId self, uint64_t registration)
    : member_(member), adapter_(adapter), self_(self), registration_(registration), thread_([this] {
        Loop();
      }) {}

InventoryTeller::~InventoryTeller() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  thread_.join();
}

void InventoryTeller::OnChanges() {
  absl::MutexLock lock(&mutex_);
  changes_ = true;
}

void InventoryTeller::TellAll() {
  absl::MutexLock lock(&mutex_);
  all_ = true;
}

std::vector<std::string> InventoryTeller::TakeUris(size_t max) {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> uris;
  const auto end = uris_.begin() + static_cast<std::ptrdiff_t>(std::min(max, uris_.size()));
  uris.assign(std::make_move_iterator(uris_.begin()), std::make_move_iterator(end));
  uris_.erase(uris_.begin(), end);
  return uris;
}

void InventoryTeller::Loop() {
  bool telling = false;  // Begun, and not ended.
  Duration wait = Duration::zero();
  while (true) {
    bool all = false;
    {
      absl::MutexLock lock(&mutex_);
      const auto ready = [this]()
                             ABSL_NO_THREAD_SAFETY_ANALYSIS { return stop_ || changes_ || all_; };
      if (wait > Duration::zero()) {
        // Nothing can be told at the moment: only the end wakes it.
        mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(wait));
      } else {
        mutex_.AwaitWithTimeout(absl::Condition(&ready), absl::FromChrono(kTryAgain));
      }
      if (stop_) return;
      changes_ = false;
      all = all_;
    }
    {
      absl::MutexLock lock(&flight_->mutex);
      all = all || std::exchange(flight_->failed, false);
    }
    wait = kTryAgain;
    if (!Registered()) {
      TellAll();
      continue;
    }
    if (all) {
      if (!Send(farm::InventoryBegins{self_})) continue;
      {
        absl::MutexLock lock(&mutex_);
        all_ = false;
      }
      adapter_.TellAll();
      telling = true;
    }
    // Asked before the changes are taken: what came with the end of the scan is then among them.
    const bool complete = adapter_.ScanComplete();
    if (!TellChanges()) {
      TellAll();
      continue;
    }
    wait = Duration::zero();
    if (telling && complete) telling = !Send(farm::InventoryEnds{self_});
  }
}

bool InventoryTeller::Registered() const {
  if (!member_.joined()) return false;
  bool registered = false;
  member_.Read([&](const farm::TableReplica& replica) {
    const farm::Row* row = replica.table().Find(self_);
    registered = row != nullptr && row->registration >= registration_;
  });
  return registered;
}

bool InventoryTeller::Send(const farm::Message& message) {
  {
    absl::MutexLock lock(&flight_->mutex);
    Flight* flight = flight_.get();
    const auto room = [flight]()
                          ABSL_NO_THREAD_SAFETY_ANALYSIS { return flight->open < kOnTheirWayMax; };
    if (!flight_->mutex.AwaitWithTimeout(absl::Condition(&room), absl::FromChrono(kFlightLimit))) {
      return false;
    }
    ++flight_->open;
  }
  const Status sent = member_.Send(message, [flight = flight_](farm::SendEnd end) {
    absl::MutexLock lock(&flight->mutex);
    --flight->open;
    if (end != farm::SendEnd::kCommitted) flight->failed = true;
  });
  if (sent.ok()) return true;
  absl::MutexLock lock(&flight_->mutex);
  --flight_->open;
  return false;
}

bool InventoryTeller::TellChanges() {
  while (true) {
    farm::AssetsChanged message{self_, adapter_.TakeChanges(kChangesOfMessage)};
    if (message.changes.empty()) return true;
    NoteUris(message.changes);
    if (!Send(message)) return false;
  }
}

void InventoryTeller::NoteUris(const std::vector<farm::AssetsChanged::Change>& changes) {
  for (const farm::AssetsChanged::Change& change : changes) {
    if (!change.asset) continue;
    std::optional<std::string> uri = adapter_.UriOf(change.key);
    absl::MutexLock lock(&mutex_);
    if (uri && uris_.size() < kUrisWaitingMax) uris_.push_back(*std::move(uri));
  }
}

}  // namespace strata::engine::app

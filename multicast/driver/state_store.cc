#include "multicast/driver/state_store.h"

#include <utility>

#include "multicast/driver/limits.h"

namespace strata::multicast {

StateStore::~StateStore() = default;

FileStateStore::FileStateStore(std::unique_ptr<StateFile> file, bool at_once,
                               std::function<void()> wake)
    : file_(std::move(file)), at_once_(at_once), wake_(std::move(wake)) {
  writer_ = std::thread([this] { Run(); });
}

FileStateStore::~FileStateStore() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  writer_.join();
}

// At once means: the caller waits for the writer. So there is one way of writing and of repeating.
void FileStateStore::Store(uint64_t id, Bytes state) {
  std::unique_lock lock(mutex_);
  pending_ = {.id = id, .state = std::move(state)};
  changed_.notify_all();
  if (!at_once_) return;
  uint64_t errors = errors_;
  changed_.wait(lock, [&] { return stored_ >= id || errors_ > errors || stop_; });
}

uint64_t FileStateStore::stored() const {
  std::lock_guard lock(mutex_);
  return stored_;
}

uint64_t FileStateStore::errors() const {
  std::lock_guard lock(mutex_);
  return errors_;
}

std::string FileStateStore::last_error() const {
  std::lock_guard lock(mutex_);
  return last_error_;
}

void FileStateStore::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || pending_.id != 0; });
    if (pending_.id == 0) return;
    Pending taken = std::exchange(pending_, {});
    lock.unlock();
    Status written = file_->Save(taken.state);
    lock.lock();
    if (written.ok()) {
      stored_ = taken.id;
    } else {
      ++errors_;
      last_error_ = MessageOf(written);
      if (pending_.id == 0 && !stop_) pending_ = std::move(taken);
    }
    changed_.notify_all();
    lock.unlock();
    wake_();
    lock.lock();
    if (!written.ok()) changed_.wait_for(lock, kStateRetry, [this] { return stop_; });
  }
}

}  // namespace strata::multicast

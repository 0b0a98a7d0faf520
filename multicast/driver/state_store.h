#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/bytes.h"
#include "common/status.h"
#include "multicast/driver/state_file.h"

namespace strata::multicast {

// Where the driver puts durable state. The ids grow; a later state replaces the earlier.
class StateStore {
 public:
  virtual ~StateStore();

  // What was stored last, before this process; empty if nothing was.
  virtual StatusOr<Bytes> Load() = 0;
  // Stores, now or soon. States may be skipped for a later one.
  virtual void Store(uint64_t id, Bytes state) = 0;
  // The highest id that is durable; everything below is then, too.
  virtual uint64_t stored() const = 0;
  // Attempts that failed; they are repeated.
  virtual uint64_t errors() const { return 0; }
  virtual std::string last_error() const { return {}; }
};

// Forgets everything with the process: for learners that may start from nothing, and for tests.
class MemoryStateStore final : public StateStore {
 public:
  StatusOr<Bytes> Load() override { return Bytes(); }
  void Store(uint64_t id, Bytes) override { stored_ = id; }
  uint64_t stored() const override { return stored_; }

 private:
  uint64_t stored_ = 0;
};

// Writes to a file, on a thread of its own so that no turn waits for the disk, or at once (which
// then does). A failed write is repeated until it works: until then nothing is confirmed.
class FileStateStore final : public StateStore {
 public:
  // `wake` is called on the writer's thread whenever stored() grew.
  FileStateStore(std::unique_ptr<StateFile> file, bool at_once, std::function<void()> wake);
  ~FileStateStore() override;  // Writes what is still to be written, once.
  FileStateStore(const FileStateStore&) = delete;
  FileStateStore& operator=(const FileStateStore&) = delete;

  StatusOr<Bytes> Load() override { return file_->Load(); }
  void Store(uint64_t id, Bytes state) override;
  uint64_t stored() const override;
  uint64_t errors() const override;
  std::string last_error() const override;

 private:
  struct Pending {
    uint64_t id = 0;  // 0: nothing.
    Bytes state;
  };

  void Run();

  const std::unique_ptr<StateFile> file_;  // The writer's, after Load.
  const bool at_once_;
  const std::function<void()> wake_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Pending pending_;  // Under mutex_, as the rest.
  bool stop_ = false;
  uint64_t stored_ = 0;
  uint64_t errors_ = 0;
  std::string last_error_;

  std::thread writer_;
};

}  // namespace strata::multicast

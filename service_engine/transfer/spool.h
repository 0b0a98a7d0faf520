#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "common/bytes.h"
#include "common/status.h"

namespace strata::engine::transfer {

// The bytes of one fetch, in a file that has no name, so that nothing is left of it whatever
// happens. One thread appends at a time; any number read what has been appended. Reads and writes
// go to the page cache, and wait only while the system writes back.
class Spool {
 public:
  // Unavailable or ResourceExhausted (less than `free_min` bytes are free), naming the folder.
  static StatusOr<std::unique_ptr<Spool>> Create(const std::string& folder, uint64_t free_min);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // ResourceExhausted when the disk is full; then the spool is of no use any more.
  Status Append(ByteSpan bytes);
  // Bytes from `offset` on: as many as fit, which the caller knows to be there. DataLoss if not.
  Status ReadAt(uint64_t offset, std::span<uint8_t> into) const;

 private:
  Spool(int fd, std::string folder, uint64_t free_min)
      : fd_(fd), folder_(std::move(folder)), free_min_(free_min) {}
  Status CheckRoom() const;

  const int fd_;
  const std::string folder_;
  const uint64_t free_min_;
  uint64_t bytes_ = 0;
  uint64_t next_check_ = 0;
};

}  // namespace strata::engine::transfer

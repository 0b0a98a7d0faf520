#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "common/bytes.h"
#include "common/status.h"

struct pcap;

namespace strata::multicast {

// A file of captured frames (pcap or pcapng), read from its start. One thread.
class CaptureFile {
 public:
  // "-" is the standard input. Errors name the file. `filter`: an expression of pcap-filter(7), or
  // empty.
  static StatusOr<CaptureFile> Open(const std::string& path, const std::string& filter);
  // From an open file, which it closes; `name` is for the errors.
  static StatusOr<CaptureFile> FromStream(FILE* stream, const std::string& name);

  struct Frame {
    int64_t time_micros = 0;  // Since 1970.
    ByteSpan bytes;           // Until the next Next.
    bool cut = false;         // The capture did not keep all of it.
  };
  // The next frame, nothing at the end; DataLoss if the file is damaged from here on.
  StatusOr<std::optional<Frame>> Next();

  int link_type() const;  // DLT_...

 private:
  struct Closer {
    void operator()(pcap* handle) const;
  };
  using Handle = std::unique_ptr<pcap, Closer>;
  CaptureFile(Handle handle, std::string name)
      : handle_(std::move(handle)), name_(std::move(name)) {}

  Handle handle_;
  std::string name_;
};

}  // namespace strata::multicast

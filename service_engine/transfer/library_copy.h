#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/bytes.h"
#include "common/status.h"
#include "common/unique_fd.h"

namespace strata::engine::transfer {

// Where copies are until they are whole: a hidden folder at the top of the site's library, which
// nobody serves and nobody counts.
inline constexpr const char* kCopyingFolder = ".strata-copying";

// One file on its way into a library. It is there as a whole, in its place, or not at all: what is
// dropped before Publish leaves nothing. Blocks on the disk; one thread.
class LibraryCopy {
 public:
  // A file for `path` (LibraryPathOf) below `folder`, the library of one site, which is there.
  // `name` tells it from others on their way. Unavailable or ResourceExhausted, with what the
  // system says.
  static StatusOr<std::unique_ptr<LibraryCopy>> Begin(const std::string& folder,
                                                      const std::string& path,
                                                      const std::string& name);
  ~LibraryCopy();

  Status Append(ByteSpan bytes);
  // It is on disk, and as old as an HTTP date says, so that validators agree between engines; a
  // date that is none is ignored.
  Status Finish(const std::string& last_modified);
  // Puts it in its place, and makes that durable. AlreadyExists: another file is there, which
  // stays. No link on the way is followed.
  Status Publish();

  // Bytes that copies may take of the disk of `folder`: some of what is free is left to others.
  static StatusOr<uint64_t> FreeBytes(const std::string& folder);
  // Removes what a life before has left behind.
  static void RemoveRemains(const std::string& folder);

 private:
  LibraryCopy(UniqueFd folder, std::string path, std::string temporary)
      : folder_(std::move(folder)), path_(std::move(path)), temporary_(std::move(temporary)) {}

  const UniqueFd folder_;
  const std::string path_;
  const std::string temporary_;  // Below folder_.
  UniqueFd file_;
  bool published_ = false;
};

}  // namespace strata::engine::transfer

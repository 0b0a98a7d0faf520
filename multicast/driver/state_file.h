#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/bytes.h"
#include "common/status.h"
#include "common/unique_fd.h"
#include "multicast/wire/types.h"

namespace strata::multicast {

// The file that holds a member's durable state: an old content or a new one, never a mixture.
// Beside it lies "<path>.lock", held while this object lives: one process a file.
//
// Layout, big-endian: "STRATAMG", format version (4), member id (4), group id (8), length of the
// state (4), CRC-32C of all of that and the state (4), state.
//
// One thread at a time. Save waits for the disk.
class StateFile {
 public:
  static constexpr uint32_t kVersion = 1;
  static constexpr size_t kHeaderBytes = 32;

  // FailedPrecondition if another process has it. Does not look at the content.
  static StatusOr<std::unique_ptr<StateFile>> Open(std::string path, GroupId group,
                                                   MemberId member);

  struct Owner {
    GroupId group{};
    MemberId member{};
  };
  // Whose file it is; nothing if there is none. Errors as of Load. Takes no lock, so also while
  // somebody has it.
  static StatusOr<std::optional<Owner>> OwnerOf(const std::string& path);

  // What Save wrote last; empty if nothing ever was. DataLoss if the file is damaged,
  // FailedPrecondition if it is another member's or group's, or of a later version.
  StatusOr<Bytes> Load() const;
  Status Save(ByteSpan state);
  // From now on Load takes another member's or group's for none.
  void PassOverOthers() { passes_over_others_ = true; }

  const std::string& path() const { return path_; }

 private:
  StateFile(std::string path, GroupId group, MemberId member, UniqueFd lock);

  StatusOr<Bytes> Decode(ByteSpan file) const;
  Status WriteTemporary(const std::string& path, ByteSpan state) const;

  const std::string path_;
  const GroupId group_;
  const MemberId member_;
  bool passes_over_others_ = false;
  UniqueFd lock_;
};

}  // namespace strata::multicast

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/time.h"
#include "farm/asset.h"
#include "farm/content_key.h"
#include "farm/messages.h"

namespace strata::engine {

// One file of a content, as an adapter found it.
struct ContentFile {
  farm::ContentKey key;
  farm::AssetKind kind = farm::AssetKind::kLibrary;
  uint64_t size = 0;     // Bytes of the content in it.
  bool complete = true;  // All of it is there.
  std::string validator;
  Timestamp expires = Timestamp::Never();

  friend bool operator==(const ContentFile&, const ContentFile&) = default;
};

// What this engine holds, file by file, and what of that the farm was told. A copy of a content is
// all files of its key: variants, later slices. Adapters say which files came and went; the farm
// hears what changed in terms of copies, each time with the whole truth about a key, so that a
// change told twice or late does no harm. Pure; one thread.
class Inventory {
 public:
  // ---- Adapters.
  // A file is there, or is another than before.
  void OnFile(std::string_view path, const ContentFile& file);
  void OnGone(std::string_view path);
  // All files below a folder are gone; `folder` ends with '/'.
  void OnFolderGone(std::string_view folder);
  // A scan of everything below `folder` begins: OnFile follows for each file that is there. What
  // was not seen until it ends is gone. Files that come or go by OnFile and OnGone meanwhile count
  // as they say. One scan at a time.
  void BeginScan(std::string_view folder);
  void EndScan();

  // ---- The farm.
  // Up to `max` changes that the farm was not told, by rising key; counts them as told. `now` turns
  // expiries into lifetimes.
  std::vector<farm::AssetsChanged::Change> TakeChanges(size_t max, Timestamp now);
  bool has_changes() const { return !dirty_.empty(); }
  // Forgets what the farm was told: everything is a change again. After a new registration.
  void TellAll();

  // ---- Looking.
  // The copy of `key`, with its lifetime at `now`; nothing if there is none.
  std::optional<farm::Asset> Find(const farm::ContentKey& key, Timestamp now) const;
  // The files of `key`, by path.
  std::vector<std::string> FilesOf(const farm::ContentKey& key) const;
  size_t files() const { return files_.size(); }
  size_t contents() const { return contents_.size(); }
  uint64_t bytes() const { return bytes_; }

 private:
  struct Entry {
    ContentFile file;
    bool seen = false;  // By the scan that goes on.
  };
  using Files = std::map<std::string, Entry, std::less<>>;
  // What the farm was told of a copy, with the instant of its expiry: a lifetime that only went on
  // is no change.
  struct Told {
    farm::Asset asset;  // lifetime zero.
    Timestamp expires;

    friend bool operator==(const Told&, const Told&) = default;
  };

  std::optional<Told> CopyOf(const farm::ContentKey& key) const;
  void Erase(Files::iterator it);

  Files files_;
  // By key, the files in order of their paths.
  absl::flat_hash_map<farm::ContentKey, std::vector<Files::iterator>> contents_;
  absl::flat_hash_map<farm::ContentKey, Told> told_;
  std::set<farm::ContentKey> dirty_;
  std::optional<std::string> scanning_;
  uint64_t bytes_ = 0;
};

}  // namespace strata::engine

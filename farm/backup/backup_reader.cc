#include "farm/backup/backup_reader.h"

#include <optional>
#include <utility>

#include "farm/backup/backup_writer.h"
#include "farm/backup/files.h"
#include "farm/backup/record.h"

namespace strata::farm::backup {
namespace {

using Each = absl::FunctionRef<Status(std::string_view key, std::string_view value)>;

Status At(const std::string& path, const std::string& name, const Status& status) {
  if (status.ok()) return status;
  return MakeStatus(status.code(), path + ": " + name + ": " + MessageOf(status));
}

// Takes the files of a backup as they come, and remembers what the manifest has to say of them.
class Reading {
 public:
  explicit Reading(Each each) : each_(each) {}

  Status TakePart(const FileSource::File& file) {
    if (file.name != PartName(read_.parts.size() + 1) || read_.parts.size() >= kPartsMax) {
      return DataLoss("no file of a backup, or not in its order");
    }
    Manifest::Part part{file.name, file.bytes.size(), 0, Sha256(file.bytes)};
    const auto visit = [&](size_t offset, std::string_view key, std::string_view value) -> Status {
      ++part.records;
      read_.bytes += key.size() + value.size();
      if (key <= last_key_) return DataLoss("damaged at byte %zu: keys are out of order", offset);
      if (read_.bytes > kBackupBytesMax) return DataLoss("more records than a backup may have");
      last_key_ = key;
      const Status taken = each_(key, value);
      if (taken.ok()) return Ok();
      return MakeStatus(taken.code(),
                        "record at byte " + std::to_string(offset) + ": " + MessageOf(taken));
    };
    STRATA_RETURN_IF_ERROR(VisitRecords(file.bytes, visit));
    read_.records += part.records;
    read_.parts.push_back(std::move(part));
    return Ok();
  }

  // Compares what was read with what the manifest says.
  StatusOr<Manifest> End(const Manifest& manifest) const {
    for (size_t i = 0; i < manifest.parts.size(); ++i) {
      const char* name = manifest.parts[i].name.c_str();
      if (i >= read_.parts.size()) return DataLoss("%s is missing", name);
      if (manifest.parts[i] != read_.parts[i]) {
        return DataLoss("%s is another one than the manifest says (its checksum differs)", name);
      }
    }
    if (manifest.parts.size() != read_.parts.size() || manifest.records != read_.records ||
        manifest.bytes != read_.bytes) {
      return DataLoss("it has other parts than the manifest says");
    }
    return manifest;
  }

 private:
  const Each each_;
  Manifest read_;
  std::string last_key_;
};

}  // namespace

StatusOr<Manifest> ReadBackup(const std::string& path, Each each) {
  STRATA_ASSIGN_OR_RETURN(const std::unique_ptr<FileSource> source, FileSource::Open(path));
  Reading reading(each);
  std::optional<Manifest> manifest;
  while (true) {
    STRATA_ASSIGN_OR_RETURN(const std::optional<FileSource::File> file, source->Next());
    if (!file) break;
    if (file->name != kManifestName) {
      STRATA_RETURN_IF_ERROR(At(path, file->name, reading.TakePart(*file)));
      continue;
    }
    StatusOr<Manifest> parsed = ParseManifest(file->bytes.substr(0, kManifestBytesMax));
    if (manifest) parsed = DataLoss("there is another one");
    STRATA_RETURN_IF_ERROR(At(path, file->name, parsed.status()));
    manifest = *std::move(parsed);
  }
  if (!manifest) {
    return DataLoss("%s: no backup, or not all of one: there is no %s", path.c_str(),
                    kManifestName);
  }
  StatusOr<Manifest> checked = reading.End(*manifest);
  if (!checked.ok()) return At(path, kManifestName, checked.status());
  return checked;
}

}  // namespace strata::farm::backup

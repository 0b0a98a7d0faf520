#include "farm/backup/backup_writer.h"

#include <openssl/sha.h>

#include <array>
#include <cstdio>

#include "common/bytes.h"
#include "common/hex.h"
#include "farm/backup/record.h"

namespace strata::farm::backup {

StatusOr<std::unique_ptr<BackupWriter>> BackupWriter::Create(const std::string& path) {
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<FileSink> sink, FileSink::Create(path));
  return std::unique_ptr<BackupWriter>(new BackupWriter(std::move(sink)));
}

Status BackupWriter::Add(std::string_view key, std::string_view value) {
  const size_t bytes = key.size() + value.size();
  if (bytes > kRecordBytesMax) return InvalidArgument("a record of %zu bytes", bytes);
  manifest_.bytes += bytes;
  if (manifest_.bytes > kBackupBytesMax) {
    return ResourceExhausted("more than the %zu bytes that a backup may have", kBackupBytesMax);
  }
  if (!part_.empty() && part_.size() + bytes + kRecordOverhead > kPartBytes) {
    STRATA_RETURN_IF_ERROR(EndPart());
  }
  AppendRecord(key, value, part_);
  ++records_;
  return Ok();
}

Status BackupWriter::EndPart() {
  if (part_.empty()) return Ok();
  const std::string name = PartName(manifest_.parts.size() + 1);
  STRATA_RETURN_IF_ERROR(sink_->Put(name, part_));
  manifest_.parts.push_back({name, part_.size(), records_, Sha256(part_)});
  manifest_.records += records_;
  records_ = 0;
  part_.clear();
  return Ok();
}

StatusOr<Manifest> BackupWriter::Finish(Manifest facts) {
  STRATA_RETURN_IF_ERROR(EndPart());
  facts.records = manifest_.records;
  facts.bytes = manifest_.bytes;
  facts.parts = manifest_.parts;
  STRATA_RETURN_IF_ERROR(sink_->Put(kManifestName, ToJson(facts)));
  STRATA_RETURN_IF_ERROR(sink_->Finish());
  return facts;
}

std::string PartName(size_t number) {
  char name[32];
  std::snprintf(name, sizeof(name), "intents-%06zu", number);
  return name;
}

std::string Sha256(std::string_view bytes) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(AsBytes(bytes).data(), bytes.size(), digest.data());
  return ToHex(digest);
}

}  // namespace strata::farm::backup

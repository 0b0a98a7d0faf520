#include "common/version.h"
#include "common/wall_clock.h"
#include "farm/backup/backup_writer.h"
#include "farm/backup/record.h"
#include "service_manager/rpc/administration_service.h"

namespace strata::manager::rpc {
namespace {

// Who reads one slowly keeps a snapshot of the store from being forgotten.
constexpr int kBackupsMax = 2;
constexpr size_t kChunkBytes = size_t{256} << 10;

// The group's number and keys: who restores a backup draws others.
const std::string& SecretKey() {
  static const std::string key = farm::backup::TableKey("farm", "group");
  return key;
}

}  // namespace

grpc::Status AdministrationService::CreateBackup(grpc::ServerContext* context,
                                                 const v1::CreateBackupRequest*,
                                                 grpc::ServerWriter<v1::BackupChunk>* writer) {
  return Order(*context, "create a backup", [&](const std::string&) -> Status {
    struct Count {
      explicit Count(std::atomic<int>& all) : all_(all), number(++all) {}
      ~Count() { --all_; }
      std::atomic<int>& all_;
      const int number;
    } const count(backups_);
    if (count.number > kBackupsMax) {
      return ResourceExhausted("%d backups are being made already", kBackupsMax);
    }
    v1::BackupChunk chunk;
    chunk.mutable_facts()->set_scope(control_.options().scope);
    chunk.mutable_facts()->set_manager(control_.options().name);
    chunk.mutable_facts()->set_version(kVersion);
    chunk.mutable_facts()->set_created_at_ms(WallClockMillis());
    chunk.mutable_facts()->set_group_id(control_.registrar().group_id());
    return WriteBackup(*context, chunk, *writer);
  });
}

Status AdministrationService::WriteBackup(const grpc::ServerContext& context,
                                          v1::BackupChunk& chunk,
                                          grpc::ServerWriter<v1::BackupChunk>& writer) {
  v1::BackupEnd end;
  Status status;
  const auto flush = [&] {
    status = guard_.StillGood(context);
    if (status.ok() && stop_) status = Unavailable("this manager ends");
    if (status.ok() && !writer.Write(chunk)) status = Unavailable("nobody takes it any more");
    chunk.Clear();
    return status.ok();
  };
  STRATA_RETURN_IF_ERROR(
      control_.store().VisitIntents([&](std::string_view key, std::string_view value) {
        if (key == SecretKey()) return true;
        farm::backup::AppendRecord(key, value, *chunk.mutable_records());
        end.set_records(end.records() + 1);
        end.set_bytes(end.bytes() + key.size() + value.size());
        if (end.bytes() > farm::backup::kBackupBytesMax) {
          status = ResourceExhausted(
              "there is more intent than the %zu bytes that a backup may "
              "have",
              farm::backup::kBackupBytesMax);
        }
        if (status.ok() && chunk.records().size() >= kChunkBytes) return flush();
        return status.ok();
      }));
  STRATA_RETURN_IF_ERROR(status);
  *chunk.mutable_end() = end;
  (void)flush();
  return status;
}

}  // namespace strata::manager::rpc

#include "cli/backup_verbs.h"

#include <google/protobuf/util/json_util.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "cli/failure.h"
#include "cli/json.h"
#include "cli/readable.h"
#include "cli/table.h"
#include "cli/text_width.h"
#include "farm/backup/backup_reader.h"
#include "farm/backup/backup_writer.h"
#include "farm/backup/contents.h"
#include "farm/backup/record.h"
#include "proto/backup.pb.h"

namespace strata::cli {
namespace {

namespace fs = std::filesystem;
using farm::backup::Contents;
using farm::backup::Manifest;

constexpr const char* kManagerSettings = "/etc/strata/manager.yaml";
constexpr int kUsageStatus = 2;  // Of strata-sm: a wrong command line.

backup::v1::Report ReportOf(const Manifest& manifest, const Contents& contents) {
  backup::v1::Report report;
  // The manifest is JSON of this message.
  (void)google::protobuf::util::JsonStringToMessage(farm::backup::ToJson(manifest),
                                                    report.mutable_manifest());
  for (const auto& [name, site] : contents.sites()) {
    backup::v1::Site* added = report.add_sites();
    added->set_name(name);
    added->set_version(site.version);
    added->set_versions(site.versions);
    added->set_purges(site.purges);
    added->set_purged_up_to(site.purged_up_to);
  }
  for (const auto& [name, engine] : contents.engines()) {
    backup::v1::Engine* added = report.add_engines();
    added->set_name(name);
    added->set_id(engine.id);
    added->set_registration(engine.registration);
    added->set_draining(engine.draining);
  }
  for (const std::string& name : contents.managers()) report.add_managers(name);
  report.set_audit_records(contents.audit_records());
  return report;
}

std::string Summary(const Manifest& manifest, const Contents& contents) {
  return Counted(contents.sites().size(), "site", "sites") + ", " +
         Counted(contents.engines().size(), "engine", "engines") + ", " +
         Counted(contents.audit_records(), "audit record", "audit records") + "; " +
         ReadableBytes(manifest.bytes) + " in " + Counted(manifest.records, "record", "records");
}

void PrintContents(Terminal& terminal, const Contents& contents) {
  Table sites({{"SITE"},
               {"VERSION", Align::kRight},
               {"KEPT", Align::kRight},
               {"PURGES", Align::kRight},
               {"PURGED UP TO", Align::kRight}});
  for (const auto& [name, site] : contents.sites()) {
    const bool removed = site.version == 0;
    sites.AddRow({name,
                  {removed ? "removed" : std::to_string(site.version),
                   removed ? Colour::kGrey : Colour::kNone},
                  ReadableCount(site.versions),
                  ReadableCount(site.purges),
                  std::to_string(site.purged_up_to)});
  }
  if (!sites.empty()) terminal.out << "\n" << sites.Render(terminal.style());
  Table engines({{"ENGINE"}, {"ID", Align::kRight}, {"REGISTRATION", Align::kRight}, {"STATE"}});
  for (const auto& [name, engine] : contents.engines()) {
    engines.AddRow({name,
                    std::to_string(engine.id),
                    std::to_string(engine.registration),
                    {engine.draining ? "draining" : "", Colour::kYellow}});
  }
  if (!engines.empty()) terminal.out << "\n" << engines.Render(terminal.style());
}

// Takes the stream of a manager into a backup.
class Receiver {
 public:
  explicit Receiver(farm::backup::BackupWriter& writer) : writer_(writer) {}

  Status Take(const api::BackupChunk& chunk) {
    if (chunk.has_facts()) {
      facts_.scope = chunk.facts().scope();
      facts_.manager = chunk.facts().manager();
      facts_.version = chunk.facts().version();
      facts_.created_at_ms = chunk.facts().created_at_ms();
      facts_.group_id = chunk.facts().group_id();
    }
    const auto visit = [this](size_t, std::string_view key, std::string_view value) -> Status {
      ++records_;
      STRATA_RETURN_IF_ERROR(contents_.Add(key, value));
      return writer_.Add(key, value);
    };
    STRATA_RETURN_IF_ERROR(farm::backup::VisitRecords(chunk.records(), visit));
    if (!chunk.has_end()) return Ok();
    if (chunk.end().records() != records_) {
      return DataLoss("the manager sent %llu records and says it were %llu",
                      static_cast<unsigned long long>(records_),
                      static_cast<unsigned long long>(chunk.end().records()));
    }
    ended_ = true;
    return Ok();
  }

  StatusOr<Manifest> Finish() {
    if (!ended_) return DataLoss("the manager did not send all of it");
    return writer_.Finish(facts_);
  }

  const Contents& contents() const { return contents_; }

 private:
  farm::backup::BackupWriter& writer_;
  Manifest facts_;
  Contents contents_;
  uint64_t records_ = 0;
  bool ended_ = false;
};

// The program beside this one, as packages lay them out; its bare name if it is not there.
std::string FindProgram() {
  std::error_code error;
  const fs::path own = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const char* place : {"strata-sm", "../sbin/strata-sm"}) {
    if (!error && fs::exists(own / place, error)) return (own / place).string();
  }
  return "strata-sm";
}

}  // namespace

ExitCode CreateBackup(Terminal& terminal, ManagerClient& manager, const std::string& to) {
  const auto writer = farm::backup::BackupWriter::Create(to);
  if (!writer.ok()) return Fail(terminal, writer.status());
  Receiver receiver(**writer);
  const Status sent = manager.CreateBackup(
      [&receiver](const api::BackupChunk& chunk) { return receiver.Take(chunk); });
  if (!sent.ok()) return Fail(terminal, sent);
  const StatusOr<Manifest> manifest = receiver.Finish();
  if (!manifest.ok()) return Fail(terminal, manifest.status());
  if (terminal.json) {
    terminal.out << JsonOf(ReportOf(*manifest, receiver.contents()));
  } else {
    terminal.out << "Wrote " << to << ": " << Summary(*manifest, receiver.contents()) << "\n";
  }
  return ExitCode::kOk;
}

ExitCode VerifyBackup(Terminal& terminal, const std::string& path) {
  Contents contents;
  const StatusOr<Manifest> manifest = farm::backup::ReadBackup(
      path, [&](std::string_view key, std::string_view value) { return contents.Add(key, value); });
  if (!manifest.ok()) {
    Fail(terminal, manifest.status());
    return ExitCode::kFailed;
  }
  if (terminal.json) {
    terminal.out << JsonOf(ReportOf(*manifest, contents));
    return ExitCode::kOk;
  }
  terminal.out << terminal.Paint(Printable(path), Colour::kBold) << " is "
               << terminal.Paint("whole", Colour::kGreen) << ": of " << Printable(manifest->scope)
               << ", given by " << Printable(manifest->manager) << " (version "
               << Printable(manifest->version) << ") at " << ReadableTime(manifest->created_at_ms)
               << " UTC\n"
               << Summary(*manifest, contents) << "\n";
  if (contents.unknown() != 0) {
    terminal.out << Counted(contents.unknown(), "record", "records")
                 << " of kinds that this version does not know\n";
  }
  PrintContents(terminal, contents);
  return ExitCode::kOk;
}

ExitCode RestoreBackup(Terminal& terminal, const RestoreBackupOptions& options) {
  std::string program = options.program.empty() ? FindProgram() : options.program;
  std::string config = options.config.empty() ? kManagerSettings : options.config;
  std::string config_flag = "--config", restore_flag = "--restore", backup = options.backup;
  char* const arguments[] = {program.data(),      config_flag.data(), config.data(),
                             restore_flag.data(), backup.data(),      nullptr};
  terminal.out.flush();
  pid_t child = 0;
  const int error = posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments, environ);
  if (error != 0) {
    return Fail(terminal, NotFound("%s cannot be started (%s): it is on the manager's machine",
                                   program.c_str(), std::strerror(error)));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ExitCode::kOk;
  const bool usage = WIFEXITED(status) && WEXITSTATUS(status) == kUsageStatus;
  return usage ? ExitCode::kUsage : ExitCode::kFailed;  // It has said why.
}

}  // namespace strata::cli

#include "cli/topology/write.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "cli/pki/authority_folder.h"
#include "cli/pki/index.h"
#include "common/atomic_file.h"
#include "common/file.h"
#include "common/tls/certificate.h"
#include "common/tls/tls_files.h"

namespace strata::cli::topology {
namespace {

constexpr unsigned kPublic = 0644;
constexpr const char* kRevocations = "crl.pem";

Status MakeFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return Ok();
  return Unavailable("cannot make the folder %s: %s", folder.c_str(), error.message().c_str());
}

// Nothing if it is not there.
StatusOr<std::optional<std::string>> ReadIfThere(const std::string& path, size_t bytes_max) {
  StatusOr<std::string> content = ReadFile(path, bytes_max);
  if (content.ok()) return std::optional<std::string>(*std::move(content));
  if (content.status().code() == StatusCode::kNotFound) return std::optional<std::string>();
  return content.status();
}

class Writer {
 public:
  Writer(const Rendering& rendering, const std::string& folder, int64_t now_s)
      : rendering_(rendering), folder_(folder), now_s_(now_s) {}

  StatusOr<Written> Run(bool force) {
    STRATA_RETURN_IF_ERROR(Compare(force));
    STRATA_RETURN_IF_ERROR(MakeFolder(folder_));
    STRATA_RETURN_IF_ERROR(OpenAuthority());
    for (const NeededCertificate& needed : rendering_.certificates) {
      STRATA_RETURN_IF_ERROR(MakeFolder(folder_ + "/" + needed.folder));
      STRATA_RETURN_IF_ERROR(Certify(needed));
    }
    for (const RenderedFile* file : to_write_) STRATA_RETURN_IF_ERROR(Write(*file));
    STRATA_RETURN_IF_ERROR(CopyRevocations());
    FindStrangers();
    return std::move(written_);
  }

 private:
  Status Compare(bool force) {
    std::vector<std::string> differ;
    for (const RenderedFile& file : rendering_.files) {
      const std::string path = folder_ + "/" + file.path;
      STRATA_ASSIGN_OR_RETURN(const auto there, ReadIfThere(path, kRegionsBytesMax));
      if (there == file.content) {
        ++written_.files_kept;
        continue;
      }
      to_write_.push_back(&file);
      if (there.has_value() && !file.derived) differ.push_back(path);
    }
    if (force || differ.empty()) return Ok();
    std::string text = Counted(differ.size()) +
                       " not as the topology has it; nothing was written, --force replaces what "
                       "is there:";
    for (size_t i = 0; i < std::min(differ.size(), kDifferencesTold); ++i) {
      text += "\n  " + differ[i];
    }
    if (differ.size() > kDifferencesTold) {
      text += "\n  and " + std::to_string(differ.size() - kDifferencesTold) + " more";
    }
    return MakeStatus(StatusCode::kFailedPrecondition, text);
  }

  static std::string Counted(size_t files) {
    return files == 1 ? "1 file is" : std::to_string(files) + " files are";
  }

  Status OpenAuthority() {
    const std::string folder = folder_ + "/" + kAuthorityFolder;
    std::error_code ignored;
    if (!std::filesystem::exists(folder + "/ca.key", ignored)) {
      STRATA_RETURN_IF_ERROR(
          AuthorityFolder::Create(folder, rendering_.authority_scope, std::nullopt, now_s_));
    }
    STRATA_ASSIGN_OR_RETURN(authority_, AuthorityFolder::Open(folder));
    STRATA_ASSIGN_OR_RETURN(authority_pem_, ReadFile(folder + "/ca.pem", tls::kTlsFileBytesMax));
    for (const Issued& issued : authority_->index().issued) {
      if (issued.revoked_at_s != 0) revoked_.insert(issued.identity.serial);
    }
    return Ok();
  }

  Status Certify(const NeededCertificate& needed) {
    const std::string folder = folder_ + "/" + needed.folder;
    if (Fits(needed, folder)) {
      ++written_.certificates_kept;
      return Ok();
    }
    ++written_.certificates_issued;
    return authority_
        ->Issue({.role = needed.identity.role,
                 .name = needed.identity.name,
                 .scope = needed.identity.scope,
                 .out = folder,
                 .again = true},
                now_s_)
        .status();
  }

  bool Fits(const NeededCertificate& needed, const std::string& folder) const {
    const auto certificate = ReadFile(folder + "/certificate.pem", tls::kTlsFileBytesMax);
    const auto key = ReadFile(folder + "/key.pem", tls::kTlsFileBytesMax);
    const auto authority = ReadFile(folder + "/ca.pem", tls::kTlsFileBytesMax);
    if (!certificate.ok() || !key.ok() || !authority.ok()) return false;
    const auto identity = tls::IdentityOfCertificate(*certificate);
    return identity.ok() && IdentityUri(*identity) == IdentityUri(needed.identity) &&
           identity->not_after_s >= now_s_ + kCertificateLeftMin_s &&
           !revoked_.contains(identity->serial) && *authority == authority_pem_ &&
           tls::CheckKeyMatches(*certificate, *key).ok() &&
           tls::CheckIssuedBy(*certificate, authority_pem_).ok();
  }

  Status Write(const RenderedFile& file) {
    const std::string path = folder_ + "/" + file.path;
    STRATA_RETURN_IF_ERROR(MakeFolder(std::filesystem::path(path).parent_path().string()));
    ++written_.files_written;
    return WriteFileAtomically(path, file.content, kPublic);
  }

  Status CopyRevocations() {
    STRATA_ASSIGN_OR_RETURN(
        const std::string list,
        ReadFile(authority_->folder() + "/" + kRevocations, tls::kRevocationFileBytesMax));
    for (const NeededCertificate& needed : rendering_.certificates) {
      if (!needed.of_process) continue;
      const std::string path = folder_ + "/" + needed.folder + "/" + kRevocations;
      STRATA_ASSIGN_OR_RETURN(const auto there, ReadIfThere(path, tls::kRevocationFileBytesMax));
      if (there != list) STRATA_RETURN_IF_ERROR(WriteFileAtomically(path, list, kPublic));
    }
    return Ok();
  }

  void FindStrangers() {
    std::set<std::string> known;
    for (const NeededCertificate& needed : rendering_.certificates) known.insert(needed.folder);
    std::error_code error;
    const std::string processes = std::string(kProcessesFolder) + "/";
    for (std::filesystem::directory_iterator it(folder_ + "/" + kProcessesFolder, error), end;
         !error && it != end; it.increment(error)) {
      const std::string path = processes + it->path().filename().string();
      if (!known.contains(path)) written_.strangers.push_back(folder_ + "/" + path);
    }
    std::sort(written_.strangers.begin(), written_.strangers.end());
  }

  const Rendering& rendering_;
  const std::string& folder_;
  const int64_t now_s_;
  std::vector<const RenderedFile*> to_write_;
  std::unique_ptr<AuthorityFolder> authority_;
  std::string authority_pem_;
  std::set<std::string> revoked_;  // Serials.
  Written written_;
};

}  // namespace

StatusOr<Written> WriteRendering(const Rendering& rendering, const std::string& folder, bool force,
                                 int64_t now_s) {
  return Writer(rendering, folder, now_s).Run(force);
}

}  // namespace strata::cli::topology

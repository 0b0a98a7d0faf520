#include "cli/doctor/subject.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <string_view>

#include "common/file.h"
#include "common/settings/settings.h"
#include "proto/cli_settings.pb.h"
#include "proto/service_engine_settings.pb.h"
#include "proto/service_manager_settings.pb.h"
#include "proto/witness_settings.pb.h"

namespace strata::cli::doctor {
namespace {

using engine::settings::v1::ServiceEngineSettings;
using manager::settings::v1::ServiceManagerSettings;
using manager::settings::v1::WitnessSettings;

// Engines and witnesses are told the farm's group when they register; this is what managers have by
// default.
constexpr Subject::Group kDefaultGroup{
    .address = IpAddress::V4(239, 255, 83, 1), .port = 7450, .sure = false};

constexpr size_t kSettingsBytesMax = 1 << 20;

std::string NameOf(uid_t uid) {
  const passwd* who = getpwuid(uid);
  return who == nullptr ? std::to_string(uid) : who->pw_name;
}

// The service's user where the package put the file, else the owner of what is there.
std::string UserOf(const Subject& subject, const char* service_user) {
  if (geteuid() != 0) return NameOf(geteuid());
  if (subject.settings.path.starts_with("/etc/strata/") && getpwnam(service_user) != nullptr) {
    return service_user;
  }
  for (const std::string& path : {subject.data_folder, subject.tls.key}) {
    struct stat info {};
    if (stat(path.c_str(), &info) == 0) return NameOf(info.st_uid);
  }
  return "root";
}

template <class TlsSection>
tls::TlsPaths PathsOf(const TlsSection& section) {
  return {.authority = section.authority(),
          .certificate = section.certificate(),
          .key = section.key(),
          .revocations = section.revoked()};
}

template <class LanSection>
Subject::Lan LanOf(const LanSection& section) {
  return {.interface = section.interface(),
          .own_address = section.unicast_address(),
          .loopback = section.loopback()};
}

void AddPort(const char* setting, const std::string& text, Subject& subject) {
  const StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
  if (endpoint.ok()) subject.ports.push_back({.setting = setting, .endpoint = *endpoint});
}

void SetStatus(const std::string& text, Subject& subject) {
  AddPort("status_listen", text, subject);
  const StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
  if (endpoint.ok()) subject.status_listen = *endpoint;
}

void Take(const ServiceManagerSettings& file, Subject& subject) {
  subject.settings.kind = Kind::kManager;
  subject.data_folder = file.data_folder();
  subject.tls = PathsOf(file.tls());
  subject.lan = LanOf(file.lan());
  const StatusOr<IpAddress> group = IpAddress::Parse(file.group().address());
  if (group.ok()) {
    subject.group = Subject::Group{
        .address = *group, .port = static_cast<uint16_t>(file.group().port()), .sure = true};
  }
  subject.managers = {file.backup_of().begin(), file.backup_of().end()};
  AddPort("rpc_listen", file.rpc_listen(), subject);
  SetStatus(file.status_listen(), subject);
  for (const std::string& text : file.http().listen()) AddPort("http.listen", text, subject);
  subject.folders.push_back({.setting = "data_folder", .path = file.data_folder()});
  subject.user = UserOf(subject, "strata");
}

void Take(const ServiceEngineSettings& file, Subject& subject) {
  subject.settings.kind = Kind::kEngine;
  subject.data_folder = file.data_folder();
  subject.tls = PathsOf(file.tls());
  subject.lan = LanOf(file.lan());
  subject.group = kDefaultGroup;
  subject.managers = {file.managers().begin(), file.managers().end()};
  SetStatus(file.status_listen(), subject);
  for (const std::string& text : file.clients()) AddPort("clients", text, subject);
  for (const std::string& text : file.peers()) AddPort("peers", text, subject);
  subject.folders.push_back({.setting = "data_folder", .path = file.data_folder()});
  subject.folders.push_back({.setting = "cache",
                             .path = file.data_folder() + "/cache",
                             .bytes_wanted = file.nginx().cache_size()});
  subject.folders.push_back({.setting = "library",
                             .path = file.nginx().library().empty()
                                         ? file.data_folder() + "/library"
                                         : file.nginx().library()});
  subject.nginx_program = file.nginx().program();
  subject.user = UserOf(subject, "www-data");
}

void Take(const WitnessSettings& file, Subject& subject) {
  subject.settings.kind = Kind::kWitness;
  subject.data_folder = file.data_folder();
  subject.tls = PathsOf(file.tls());
  subject.lan = LanOf(file.lan());
  subject.group = kDefaultGroup;
  subject.managers = {file.managers().begin(), file.managers().end()};
  SetStatus(file.status_listen(), subject);
  subject.folders.push_back({.setting = "data_folder", .path = file.data_folder()});
  subject.user = UserOf(subject, "strata");
}

std::string Resolved(const std::string& file, const std::string& settings_file) {
  if (file.empty() || file.front() == '/') return file;
  return (std::filesystem::path(settings_file).parent_path() / file).string();
}

void Take(const cli::v1::CliSettings& file, Subject& subject) {
  const std::string& path = subject.settings.path;
  subject.settings.kind = Kind::kCommand;
  subject.tls = {.authority = Resolved(file.ca(), path),
                 .certificate = Resolved(file.certificate(), path),
                 .key = Resolved(file.key(), path),
                 .revocations = Resolved(file.revocations(), path)};
  if (!file.manager().empty()) subject.managers.push_back(file.manager());
  subject.managers.insert(subject.managers.end(), file.managers().begin(), file.managers().end());
  subject.user = NameOf(geteuid());
}

bool HasKey(const std::string& text, const std::string& key) {
  return text.starts_with(key + ":") || text.find("\n" + key + ":") != std::string::npos;
}

// A file with mistakes shows by its keys what it was meant to be.
Kind GuessKind(const std::string& text) {
  const auto has_one_of = [&](std::initializer_list<const char*> keys) {
    return std::any_of(keys.begin(), keys.end(),
                       [&](const char* key) { return HasKey(text, key); });
  };
  if (has_one_of({"rpc_listen", "group", "http", "backup_of"})) return Kind::kManager;
  if (has_one_of({"clients", "peers", "nginx", "capacity"})) return Kind::kEngine;
  if (HasKey(text, "data_folder"))
    return HasKey(text, "managers") ? Kind::kWitness : Kind::kManager;
  return Kind::kCommand;
}

template <class Settings>
void ReadAs(const std::string& text, Subject& subject) {
  Settings settings;
  const Status read = LoadSettings(subject.settings.path, text, &settings);
  if (!read.ok()) subject.settings.error = MessageOf(read);
  if (read.ok()) Take(settings, subject);
}

}  // namespace

StatusOr<Subject> ReadSubject(const std::string& path) {
  STRATA_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kSettingsBytesMax));
  Subject subject;
  subject.settings.path = path;
  subject.settings.kind = GuessKind(text);
  switch (subject.settings.kind) {
    case Kind::kManager:
      ReadAs<ServiceManagerSettings>(text, subject);
      break;
    case Kind::kEngine:
      ReadAs<ServiceEngineSettings>(text, subject);
      break;
    case Kind::kWitness:
      ReadAs<WitnessSettings>(text, subject);
      break;
    case Kind::kCommand:
      ReadAs<cli::v1::CliSettings>(text, subject);
      break;
  }
  return subject;
}

}  // namespace strata::cli::doctor

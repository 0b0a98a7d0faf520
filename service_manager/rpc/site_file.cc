#include "service_manager/rpc/site_file.h"

#include <utility>
#include <vector>

#include "common/settings/settings.h"
#include "proto/site.pb.h"

namespace strata::manager {
namespace {

using farm::Origin;
using farm::QueryRules;
using farm::Site;

constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kHttpsPort = 443;

// As sites are compared; what has no such form stays as it is, and is a fault later.
std::string Canonical(const std::string& text, StatusOr<std::string> (*form)(std::string_view)) {
  StatusOr<std::string> canonical = form(text);
  return canonical.ok() ? *std::move(canonical) : text;
}

Origin ToOrigin(const site::v1::OriginFile& file) {
  Origin origin;
  origin.host = Canonical(file.host(), farm::CanonicalHost);
  origin.tls = file.tls();
  origin.port =
      file.port() != 0 ? static_cast<uint16_t>(file.port()) : (origin.tls ? kHttpsPort : kHttpPort);
  origin.verify = file.verify();
  origin.host_header = Canonical(file.host_header(), farm::CanonicalHost);
  origin.connect_timeout = Duration(file.connect_timeout());
  origin.read_timeout = Duration(file.read_timeout());
  return origin;
}

QueryRules ToRules(const site::v1::QueryFile& file) {
  QueryRules rules;
  switch (file.keep()) {
    case site::v1::QueryFile::KEEP_NONE:
      rules.keep = QueryRules::Keep::kNone;
      break;
    case site::v1::QueryFile::KEEP_ONLY:
      rules.keep = QueryRules::Keep::kOnly;
      break;
    case site::v1::QueryFile::KEEP_ALL_BUT:
      rules.keep = QueryRules::Keep::kAllBut;
      break;
    default:
      rules.keep = QueryRules::Keep::kAll;
  }
  for (const std::string& name : file.names()) {
    rules.names.push_back(Canonical(name, farm::CanonicalName));
  }
  rules.sorted = file.sorted();
  return rules;
}

Site::Choice ToChoice(site::v1::SiteFile::Choice choice) {
  switch (choice) {
    case site::v1::SiteFile::CHOICE_DIRECT:
      return Site::Choice::kDirect;
    case site::v1::SiteFile::CHOICE_DELEGATE:
      return Site::Choice::kDelegate;
    default:
      return Site::Choice::kManagers;
  }
}

Site ToSite(const site::v1::SiteFile& file) {
  Site site;
  site.name = file.name();
  for (const std::string& host : file.hosts()) {
    site.hosts.push_back(Canonical(host, farm::CanonicalHost));
  }
  for (const site::v1::OriginFile& origin : file.origins()) {
    site.origins.push_back(ToOrigin(origin));
  }
  site.query = ToRules(file.query());
  site.ttl = Duration(file.ttl());
  site.negative_ttl = Duration(file.negative_ttl());
  site.stale_if_error = Duration(file.stale_if_error());
  site.mode = file.mode() == site::v1::SiteFile::MODE_FORWARD ? Site::Mode::kForward
                                                              : Site::Mode::kRedirect;
  site.redirect_form = file.redirect_form() == site::v1::SiteFile::REDIRECT_FORM_HOST
                           ? Site::RedirectForm::kHost
                           : Site::RedirectForm::kPath;
  site.minimum_copies = file.minimum_copies();
  site.fill_limit = Duration(file.fill_limit());
  site.cors_origins.assign(file.cors_origins().begin(), file.cors_origins().end());
  site.choice = ToChoice(file.choice());
  site.scopes.assign(file.scopes().begin(), file.scopes().end());
  return site;
}

}  // namespace

StatusOr<Site> ReadSiteFile(std::string_view file_name, std::string_view yaml_text) {
  site::v1::SiteFile file;
  STRATA_RETURN_IF_ERROR(LoadSettings(file_name, yaml_text, &file));
  Site site = ToSite(file);
  std::string text;
  for (const std::string& fault : farm::FaultsOf(site)) {
    if (!text.empty()) text += '\n';
    text += std::string(file_name) + ": " + fault;
  }
  if (!text.empty()) return MakeStatus(StatusCode::kInvalidArgument, text);
  return site;
}

}  // namespace strata::manager

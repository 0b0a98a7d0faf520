#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/content_identity.h"

namespace strata::farm {

inline constexpr size_t kMaxSiteName = 63;
inline constexpr size_t kMaxSiteHosts = 64;
inline constexpr size_t kMaxOrigins = 16;
inline constexpr size_t kMaxCorsOrigins = 64;
inline constexpr size_t kMaxSiteScopes = 32;
inline constexpr size_t kMaxSiteText = 255;  // Bytes of any one text in a site.
// Fields with a tag that the bytes of a site may have, and the bytes of one.
inline constexpr size_t kMaxSiteFields = 32;
inline constexpr size_t kMaxSiteFieldBytes = 16 * 1024;

// Where a site's contents come from.
struct Origin {
  std::string host;  // A name, or an address as CanonicalHost gives it.
  uint16_t port = 80;
  bool tls = false;
  bool verify = true;       // Its certificate, where there is TLS.
  std::string host_header;  // Sent to it; empty: the site's first host.
  Duration connect_timeout = std::chrono::seconds(5);
  Duration read_timeout = std::chrono::seconds(30);

  friend bool operator==(const Origin&, const Origin&) = default;
};

// One content provider's space: docs/protocols/site.md. What an operator applies, as a whole and
// with a version.
struct Site {
  // How a director answers: send the client to the holder, or fetch from it on his behalf.
  enum class Mode : uint8_t { kRedirect, kForward };
  // How a redirect names the engine: ENGINE.HOST/path, or ENGINE/_s/HOST/path.
  enum class RedirectForm : uint8_t { kHost, kPath };
  // Above level 1: the client is sent to the engine itself, or to the front end of the child that
  // covers it (docs/protocols/federation.md, section 5). kManagers: as each manager is set.
  enum class Choice : uint8_t { kManagers, kDirect, kDelegate };

  std::string name;
  uint64_t version = 0;
  std::vector<std::string> hosts;  // The first one is in all canonical URIs.
  std::vector<Origin> origins;     // Tried in this order.
  QueryRules query;
  Duration ttl = std::chrono::minutes(5);            // Where the origin says nothing.
  Duration negative_ttl = std::chrono::seconds(10);  // Of errors.
  Duration stale_if_error = std::chrono::hours(1);   // Served beyond its time if no origin answers.
  Mode mode = Mode::kRedirect;
  RedirectForm redirect_form = RedirectForm::kPath;
  uint32_t minimum_copies = 1;
  Duration fill_limit = std::chrono::minutes(10);  // One fetch from an origin takes at most this.
  std::vector<std::string> cors_origins;           // Allowed; "*" is any.
  Choice choice = Choice::kManagers;
  // Fields that this program does not know, by tag: of a later version, which others understand.
  // They are kept and told on as they came.
  std::map<uint8_t, Bytes> later_fields;
  // Who may hold it, below where it is applied: paths, of which each covers all beneath. Empty:
  // all.
  std::vector<std::string> scopes;

  friend bool operator==(const Site&, const Site&) = default;
};

// Whether a site may be called so.
bool IsSiteName(std::string_view name);

// Whether managers of `scope` have to do with the site: one of its scopes covers `scope`, or lies
// in it.
bool MayHold(const Site& site, std::string_view scope);

// Everything that is wrong with a site, each with the field it is about; empty if nothing is. Does
// not know other sites.
std::vector<std::string> FaultsOf(const Site& site);

// What applying `after` would change in `before`, a line a field: "ttl: 5min -> 10min". Versions
// aside.
std::vector<std::string> DifferencesOf(const Site& before, const Site& after);

// The site as members are told it: without what is for managers alone.
Site ForMembers(Site site);

// A site without faults as bytes: for the store, and for members. Two equal sites have equal bytes.
Bytes Encode(const Site& site);
// Whether its bytes have fields with tags, which only members know that speak version 2 of the
// farm's messages (farm/version.h).
bool HasTaggedFields(const Site& site);
// InvalidArgument, naming the field, for what Encode would not write.
StatusOr<Site> DecodeSite(ByteSpan bytes);

// The Location that sends a client to an engine. `scheme` is that of his request, `engine` how
// clients call the engine: its name where the form is kHost (a DNS name below the site's host), its
// address and port where it is kPath. `target`: path and query as the client sent them.
std::string RedirectLocation(const Site& site, std::string_view scheme, std::string_view engine,
                             std::string_view host, std::string_view target);

// How an engine, or a manager's front end, is asked for a content under another host than its own:
// "/_s/films.example/film", and back. Nothing if `path` is not of that form; the views are into it.
std::string PathAtEngine(std::string_view host, std::string_view target);
std::optional<UriParts> SplitPathAtEngine(std::string_view path);

}  // namespace strata::farm

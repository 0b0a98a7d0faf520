#include <map>

#include "common/check.h"
#include "common/field_codec.h"
#include "common/status.h"
#include "farm/site.h"

namespace strata::farm {
namespace {

// The second format is the first with tagged fields behind it, at least one.
constexpr uint8_t kPlainFormat = 1;
constexpr uint8_t kTaggedFormat = 2;

// Each is there only where it is not what it would be without it, so that what is not used is
// understood by everybody.
enum Tag : uint8_t {
  kChoiceTag = 1,
  kScopesTag = 2,
};
constexpr size_t kFieldBytesMin = 3;

void Put(Duration time, FieldAppender& out) { out.U64(static_cast<uint64_t>(time.count())); }

Duration TakeDuration(FieldReader& in, const char* field) {
  const uint64_t nanos = in.U64(field);
  if (nanos > INT64_MAX) in.Fail(field, "is too long");
  return Duration(in.ok() ? static_cast<int64_t>(nanos) : 0);
}

void Put(const std::vector<std::string>& texts, FieldAppender& out) {
  out.U8(static_cast<uint8_t>(texts.size()));
  for (const std::string& text : texts) out.Text(text);
}

std::vector<std::string> TakeTexts(FieldReader& in, size_t max, const char* field) {
  const size_t count = in.Count(in.U8(field), max, 1, field);
  std::vector<std::string> texts;
  for (size_t i = 0; i < count && in.ok(); ++i) texts.push_back(in.Text(UINT8_MAX, field));
  return texts;
}

void Put(const Origin& origin, FieldAppender& out) {
  out.Text(origin.host);
  out.U16(origin.port);
  out.U8(origin.tls ? 1 : 0);
  out.U8(origin.verify ? 1 : 0);
  out.Text(origin.host_header);
  Put(origin.connect_timeout, out);
  Put(origin.read_timeout, out);
}

Origin TakeOrigin(FieldReader& in) {
  Origin origin;
  origin.host = in.Text(UINT8_MAX, "origin");
  origin.port = in.U16("port");
  origin.tls = in.Bool("tls");
  origin.verify = in.Bool("verify");
  origin.host_header = in.Text(UINT8_MAX, "host_header");
  origin.connect_timeout = TakeDuration(in, "connect_timeout");
  origin.read_timeout = TakeDuration(in, "read_timeout");
  return origin;
}

// ---- Tagged fields.

using TaggedFields = std::map<uint8_t, Bytes>;

TaggedFields FieldsOf(const Site& site) {
  TaggedFields fields = site.later_fields;
  if (site.choice != Site::Choice::kManagers) {
    fields[kChoiceTag] = {static_cast<uint8_t>(site.choice)};
  }
  if (!site.scopes.empty()) {
    FieldAppender out(fields[kScopesTag]);
    Put(site.scopes, out);
  }
  return fields;
}

void Put(const TaggedFields& fields, FieldAppender& out) {
  STRATA_CHECK(fields.size() <= kMaxSiteFields);
  out.U8(static_cast<uint8_t>(fields.size()));
  for (const auto& [tag, bytes] : fields) {
    STRATA_CHECK(bytes.size() <= kMaxSiteFieldBytes);
    out.U8(tag);
    out.U16(static_cast<uint16_t>(bytes.size()));
    out.Put(bytes);
  }
}

Site::Choice TakeChoice(FieldReader& in) {
  const auto choice = in.Choice(Site::Choice::kDelegate, "choice");
  if (choice == Site::Choice::kManagers) in.Fail("choice", "is 0, which is not written");
  return choice;
}

// One field, of whose bytes all have to be read.
Status TakeField(uint8_t tag, ByteSpan bytes, Site& site) {
  ByteReader reader(bytes);
  FieldReader in(reader);
  switch (tag) {
    case kChoiceTag:
      site.choice = TakeChoice(in);
      break;
    case kScopesTag:
      site.scopes = TakeTexts(in, kMaxSiteScopes, "scopes");
      if (in.ok() && site.scopes.empty()) in.Fail("scopes", "has none");
      break;
    default:
      site.later_fields[tag] = Bytes(bytes.begin(), bytes.end());
      return Ok();
  }
  if (in.ok() && !reader.AtEnd()) in.Fail("end of a field", "has bytes behind it");
  return in.status();
}

Status TakeFields(FieldReader& in, Site& site) {
  const size_t count = in.Count(in.U8("fields"), kMaxSiteFields, kFieldBytesMin, "fields");
  if (count == 0) in.Fail("fields", "are none");
  uint8_t last = 0;
  for (size_t i = 0; i < count && in.ok(); ++i) {
    const uint8_t tag = in.U8("tag");
    if (tag <= last) in.Fail("tag", "is out of order");
    last = tag;
    const size_t size = in.Count(in.U16("field"), kMaxSiteFieldBytes, 1, "field");
    const ByteSpan bytes = in.Take(size);
    if (in.ok()) STRATA_RETURN_IF_ERROR(TakeField(tag, bytes, site));
  }
  return in.status();
}

}  // namespace

bool HasTaggedFields(const Site& site) { return !FieldsOf(site).empty(); }

Bytes Encode(const Site& site) {
  const TaggedFields fields = FieldsOf(site);
  Bytes bytes;
  FieldAppender out(bytes);
  out.U8(fields.empty() ? kPlainFormat : kTaggedFormat);
  out.Text(site.name);
  out.U64(site.version);
  Put(site.hosts, out);
  out.U8(static_cast<uint8_t>(site.origins.size()));
  for (const Origin& origin : site.origins) Put(origin, out);
  out.U8(static_cast<uint8_t>(site.query.keep));
  out.U8(site.query.sorted ? 1 : 0);
  Put(site.query.names, out);
  Put(site.ttl, out);
  Put(site.negative_ttl, out);
  Put(site.stale_if_error, out);
  out.U8(static_cast<uint8_t>(site.mode));
  out.U8(static_cast<uint8_t>(site.redirect_form));
  out.U32(site.minimum_copies);
  Put(site.fill_limit, out);
  Put(site.cors_origins, out);
  if (!fields.empty()) Put(fields, out);
  return bytes;
}

StatusOr<Site> DecodeSite(ByteSpan bytes) {
  constexpr size_t kOriginBytesMin = 22;
  ByteReader reader(bytes);
  FieldReader in(reader);
  const uint8_t format = in.U8("format");
  if (format != kPlainFormat && format != kTaggedFormat) in.Fail("format", "is neither 1 nor 2");
  Site site;
  site.name = in.Text(UINT8_MAX, "name");
  site.version = in.U64("version");
  site.hosts = TakeTexts(in, kMaxSiteHosts, "hosts");
  const size_t origins = in.Count(in.U8("origins"), kMaxOrigins, kOriginBytesMin, "origins");
  for (size_t i = 0; i < origins && in.ok(); ++i) site.origins.push_back(TakeOrigin(in));
  site.query.keep = in.Choice(QueryRules::Keep::kAllBut, "keep");
  site.query.sorted = in.Bool("sorted");
  site.query.names = TakeTexts(in, kMaxQueryNames, "names");
  site.ttl = TakeDuration(in, "ttl");
  site.negative_ttl = TakeDuration(in, "negative_ttl");
  site.stale_if_error = TakeDuration(in, "stale_if_error");
  site.mode = in.Choice(Site::Mode::kForward, "mode");
  site.redirect_form = in.Choice(Site::RedirectForm::kPath, "redirect_form");
  site.minimum_copies = in.U32("minimum_copies");
  site.fill_limit = TakeDuration(in, "fill_limit");
  site.cors_origins = TakeTexts(in, kMaxCorsOrigins, "cors_origins");
  if (format == kTaggedFormat) STRATA_RETURN_IF_ERROR(TakeFields(in, site));
  if (in.ok() && !reader.AtEnd()) in.Fail("end", "has bytes behind it");
  if (!in.ok()) return in.status();
  const std::vector<std::string> faults = FaultsOf(site);
  if (!faults.empty()) return InvalidArgument("site %s", faults.front().c_str());
  return site;
}

}  // namespace strata::farm

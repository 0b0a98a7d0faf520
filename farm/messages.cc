#include "farm/messages.h"

#include <array>
#include <utility>

#include "common/field_codec.h"

namespace strata::farm {
namespace {

enum class Kind : uint8_t {
  kEngineRegistered = 1,
  kEngineRemoved,
  kHealthChanged,
  kDrainChanged,
  kAssetsChanged,
  kInventoryBegins,
  kInventoryEnds,
  kLoadReport,
  kSiteApplied,
  kSiteRemoved,
  kPurged,
  kPurgeApplied,
  kDigestAsked,
  kDigestTold,
  kPresent,
  kSiteTaken,
  kProbed,
};

constexpr size_t kEndpointBytesMin = 7;
constexpr size_t kParameterBytesMin = 9;
constexpr size_t kChangeBytesMin = 17;

// ---- Pieces.

void PutEndpoints(const std::vector<Endpoint>& endpoints, FieldAppender& out) {
  STRATA_CHECK(endpoints.size() <= kMaxEngineAddresses);
  out.U8(static_cast<uint8_t>(endpoints.size()));
  for (const Endpoint& endpoint : endpoints) {
    std::array<uint8_t, kEndpointEncodedMax> bytes;
    ByteWriter writer(bytes);
    Encode(endpoint, writer);
    out.Put(writer.written());
  }
}

std::vector<Endpoint> TakeEndpoints(FieldReader& in, const char* field) {
  const size_t count = in.Count(in.U8(field), kMaxEngineAddresses, kEndpointBytesMin, field);
  std::vector<Endpoint> endpoints;
  for (size_t i = 0; i < count; ++i) endpoints.push_back(in.Endpoint(field));
  return endpoints;
}

void PutEngine(const EngineInfo& engine, FieldAppender& out) {
  STRATA_CHECK(engine.name.size() <= kMaxEngineName);
  out.U32(engine.id.value());
  out.Text(engine.name);
  PutEndpoints(engine.clients, out);
  PutEndpoints(engine.peers, out);
  out.U64(engine.capacity.bandwidth_in);
  out.U64(engine.capacity.bandwidth_out);
  out.U64(engine.capacity.storage);
  out.U64(engine.capacity.memory);
}

EngineId TakeId(FieldReader& in) {
  const EngineId id(in.U32("engine"));
  if (id == EngineId()) in.Fail("engine", "is 0");
  return id;
}

EngineInfo TakeEngine(FieldReader& in) {
  EngineInfo engine;
  engine.id = TakeId(in);
  engine.name = in.Text(kMaxEngineName, "name");
  if (engine.name.empty()) in.Fail("name", "is empty");
  engine.clients = TakeEndpoints(in, "clients");
  engine.peers = TakeEndpoints(in, "peers");
  engine.capacity.bandwidth_in = in.U64("bandwidth_in");
  engine.capacity.bandwidth_out = in.U64("bandwidth_out");
  engine.capacity.storage = in.U64("storage");
  engine.capacity.memory = in.U64("memory");
  return engine;
}

void PutAsset(const Asset& asset, FieldAppender& out) {
  STRATA_CHECK(asset.validator.size() <= kMaxValidator && asset.lifetime >= Duration::zero());
  out.U8(static_cast<uint8_t>(asset.kind));
  out.U8(asset.complete ? 1 : 0);
  out.U64(asset.size);
  out.U64(static_cast<uint64_t>(asset.lifetime.count()));
  out.Text(asset.validator);
}

Asset TakeAsset(FieldReader& in) {
  Asset asset;
  asset.kind = in.Choice(AssetKind::kCache, "kind");
  asset.complete = in.Bool("complete");
  asset.size = in.U64("size");
  const uint64_t lifetime = in.U64("lifetime");
  if (lifetime > INT64_MAX) in.Fail("lifetime", "is too long");
  asset.lifetime = Duration(in.ok() ? static_cast<int64_t>(lifetime) : 0);
  asset.validator = in.Text(kMaxValidator, "validator");
  return asset;
}

// ---- Bodies.

void Put(const EngineRegistered& m, FieldAppender& out) {
  PutEngine(m.engine, out);
  out.U64(m.registration);
}
void Put(const EngineRemoved& m, FieldAppender& out) { out.U32(m.engine.value()); }
void Put(const HealthChanged& m, FieldAppender& out) {
  STRATA_CHECK(m.reason.size() <= kMaxReason);
  out.U32(m.engine.value());
  out.U8(static_cast<uint8_t>(m.health));
  out.Text(m.reason);
}
void Put(const DrainChanged& m, FieldAppender& out) {
  out.U32(m.engine.value());
  out.U8(m.draining ? 1 : 0);
}
void Put(const AssetsChanged& m, FieldAppender& out) {
  STRATA_CHECK(m.changes.size() <= kMaxAssetChanges);
  out.U32(m.engine.value());
  out.U16(static_cast<uint16_t>(m.changes.size()));
  for (const AssetsChanged::Change& change : m.changes) {
    out.U64(change.key.high);
    out.U64(change.key.low);
    out.U8(change.asset ? 1 : 0);
    if (change.asset) PutAsset(*change.asset, out);
  }
}
void Put(const InventoryBegins& m, FieldAppender& out) { out.U32(m.engine.value()); }
void Put(const InventoryEnds& m, FieldAppender& out) { out.U32(m.engine.value()); }
void Put(const LoadReport& m, FieldAppender& out) {
  STRATA_CHECK(m.load.parameters.size() <= kMaxParameters);
  out.U32(m.engine.value());
  out.U64(m.registration);
  out.U64(m.load.sequence);
  out.U64(m.load.bandwidth_in);
  out.U64(m.load.bandwidth_out);
  out.U64(m.load.storage_used);
  out.U64(m.load.memory_used);
  out.Ratio(m.load.cpu);
  out.U32(m.load.active_requests);
  out.U8(static_cast<uint8_t>(m.load.parameters.size()));
  for (const auto& [name, value] : m.load.parameters) {
    out.Text(name);
    out.Ratio(value);
  }
}

void Put(const SiteApplied& m, FieldAppender& out) {
  const Bytes site = Encode(m.site);
  out.U32(static_cast<uint32_t>(site.size()));
  out.Put(site);
}
void Put(const SiteRemoved& m, FieldAppender& out) { out.Text(m.site); }
void Put(const Purged& m, FieldAppender& out) {
  STRATA_CHECK(m.keys.size() <= kMaxPurgedKeys);
  out.Text(m.site);
  out.U64(m.position);
  out.U16(static_cast<uint16_t>(m.keys.size()));
  for (const ContentKey& key : m.keys) {
    out.U64(key.high);
    out.U64(key.low);
  }
}
void Put(const PurgeApplied& m, FieldAppender& out) {
  STRATA_CHECK(m.problem.size() <= kMaxReason);
  out.U32(m.engine.value());
  out.Text(m.site);
  out.U64(m.position);
  out.U32(m.dropped);
  out.Text(m.problem);
}
void Put(const DigestAsked& m, FieldAppender& out) { out.U64(m.number); }
void Put(const Present&, FieldAppender&) {}
void Put(const Probed& m, FieldAppender& out) {
  STRATA_CHECK(m.problem.size() <= kMaxReason);
  out.U32(m.engine.value());
  out.Text(m.problem);
}
void Put(const SiteTaken& m, FieldAppender& out) {
  STRATA_CHECK(m.problem.size() <= kMaxReason);
  out.U32(m.engine.value());
  out.Text(m.site);
  out.U64(m.version);
  out.Text(m.problem);
}
void Put(const DigestTold& m, FieldAppender& out) {
  out.U32(m.engine.value());
  out.U64(m.number);
  out.U64(m.digest.high());
  out.U64(m.digest.low());
}

EngineRegistered TakeEngineRegistered(FieldReader& in) {
  EngineRegistered m;
  m.engine = TakeEngine(in);
  m.registration = in.U64("registration");
  return m;
}

HealthChanged TakeHealthChanged(FieldReader& in) {
  HealthChanged m;
  m.engine = TakeId(in);
  m.health = in.Choice(Health::kDown, "health");
  m.reason = in.Text(kMaxReason, "reason");
  return m;
}

DrainChanged TakeDrainChanged(FieldReader& in) {
  DrainChanged m;
  m.engine = TakeId(in);
  m.draining = in.Bool("draining");
  return m;
}

AssetsChanged TakeAssetsChanged(FieldReader& in) {
  AssetsChanged m;
  m.engine = TakeId(in);
  const size_t count = in.Count(in.U16("changes"), kMaxAssetChanges, kChangeBytesMin, "changes");
  m.changes.reserve(count);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    AssetsChanged::Change change;
    change.key.high = in.U64("key");
    change.key.low = in.U64("key");
    if (in.Bool("present")) change.asset = TakeAsset(in);
    m.changes.push_back(std::move(change));
  }
  return m;
}

LoadReport TakeLoadReport(FieldReader& in) {
  LoadReport m;
  m.engine = TakeId(in);
  m.registration = in.U64("registration");
  m.load.sequence = in.U64("sequence");
  m.load.bandwidth_in = in.U64("bandwidth_in");
  m.load.bandwidth_out = in.U64("bandwidth_out");
  m.load.storage_used = in.U64("storage_used");
  m.load.memory_used = in.U64("memory_used");
  m.load.cpu = in.Ratio("cpu");
  m.load.active_requests = in.U32("active_requests");
  const size_t count =
      in.Count(in.U8("parameters"), kMaxParameters, kParameterBytesMin, "parameters");
  for (size_t i = 0; i < count && in.ok(); ++i) {
    std::string name = in.Text(kMaxParameterName, "parameter");
    if (name.empty()) in.Fail("parameter", "has no name");
    // One order, so that one message has one form.
    const auto& known = m.load.parameters;
    if (!known.empty() && name <= known.rbegin()->first) in.Fail("parameter", "is out of order");
    m.load.parameters[std::move(name)] = in.Ratio("parameter");
  }
  return m;
}

std::string TakeSiteName(FieldReader& in) {
  std::string name = in.Text(kMaxSiteName, "site");
  if (name.empty()) in.Fail("site", "is empty");
  return name;
}

SiteApplied TakeSiteApplied(FieldReader& in) {
  SiteApplied m;
  const size_t size = in.Count(in.U32("site"), SIZE_MAX, 1, "site");
  const StatusOr<Site> site = DecodeSite(in.Take(size));
  if (!site.ok()) {
    in.Fail("site", "is none");
  } else {
    m.site = *site;
  }
  return m;
}

Purged TakePurged(FieldReader& in) {
  Purged m;
  m.site = TakeSiteName(in);
  m.position = in.U64("position");
  const size_t count = in.Count(in.U16("keys"), kMaxPurgedKeys, ContentKey::kBytes, "keys");
  m.keys.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t high = in.U64("key");
    m.keys.push_back({high, in.U64("key")});
  }
  return m;
}

PurgeApplied TakePurgeApplied(FieldReader& in) {
  PurgeApplied m;
  m.engine = TakeId(in);
  m.site = TakeSiteName(in);
  m.position = in.U64("position");
  m.dropped = in.U32("dropped");
  m.problem = in.Text(kMaxReason, "problem");
  return m;
}

Probed TakeProbed(FieldReader& in) {
  Probed m;
  m.engine = TakeId(in);
  m.problem = in.Text(kMaxReason, "problem");
  return m;
}

SiteTaken TakeSiteTaken(FieldReader& in) {
  SiteTaken m;
  m.engine = TakeId(in);
  m.site = TakeSiteName(in);
  m.version = in.U64("version");
  m.problem = in.Text(kMaxReason, "problem");
  return m;
}

DigestTold TakeDigestTold(FieldReader& in) {
  DigestTold m;
  m.engine = TakeId(in);
  m.number = in.U64("number");
  const uint64_t high = in.U64("digest");
  m.digest = TableDigest(high, in.U64("digest"));
  return m;
}

Message TakeBody(Kind kind, FieldReader& in) {
  switch (kind) {
    case Kind::kEngineRegistered:
      return TakeEngineRegistered(in);
    case Kind::kEngineRemoved:
      return EngineRemoved{TakeId(in)};
    case Kind::kHealthChanged:
      return TakeHealthChanged(in);
    case Kind::kDrainChanged:
      return TakeDrainChanged(in);
    case Kind::kAssetsChanged:
      return TakeAssetsChanged(in);
    case Kind::kInventoryBegins:
      return InventoryBegins{TakeId(in)};
    case Kind::kInventoryEnds:
      return InventoryEnds{TakeId(in)};
    case Kind::kLoadReport:
      return TakeLoadReport(in);
    case Kind::kSiteApplied:
      return TakeSiteApplied(in);
    case Kind::kSiteRemoved:
      return SiteRemoved{TakeSiteName(in)};
    case Kind::kPurged:
      return TakePurged(in);
    case Kind::kPurgeApplied:
      return TakePurgeApplied(in);
    case Kind::kDigestAsked:
      return DigestAsked{in.U64("number")};
    case Kind::kDigestTold:
      return TakeDigestTold(in);
    case Kind::kPresent:
      return Present{};
    case Kind::kProbed:
      return TakeProbed(in);
    case Kind::kSiteTaken:
      return TakeSiteTaken(in);
  }
  in.Fail("kind", "is none of the known values");
  return Message();
}

}  // namespace

EngineId EngineOf(const Message& message) {
  struct Visitor {
    EngineId operator()(const EngineRegistered& m) const { return m.engine.id; }
    EngineId operator()(const EngineRemoved& m) const { return m.engine; }
    EngineId operator()(const HealthChanged& m) const { return m.engine; }
    EngineId operator()(const DrainChanged& m) const { return m.engine; }
    EngineId operator()(const AssetsChanged& m) const { return m.engine; }
    EngineId operator()(const InventoryBegins& m) const { return m.engine; }
    EngineId operator()(const InventoryEnds& m) const { return m.engine; }
    EngineId operator()(const LoadReport& m) const { return m.engine; }
    EngineId operator()(const SiteApplied&) const { return EngineId(); }
    EngineId operator()(const SiteRemoved&) const { return EngineId(); }
    EngineId operator()(const Purged&) const { return EngineId(); }
    EngineId operator()(const PurgeApplied& m) const { return m.engine; }
    EngineId operator()(const DigestAsked&) const { return EngineId(); }
    EngineId operator()(const DigestTold& m) const { return m.engine; }
    EngineId operator()(const Present&) const { return EngineId(); }
    EngineId operator()(const SiteTaken& m) const { return m.engine; }
    EngineId operator()(const Probed& m) const { return m.engine; }
  };
  return std::visit(Visitor(), message);
}

uint8_t VersionOf(const Message& message) {
  // A kind that came with a later version is told apart here, and a field by whether it is set.
  const auto* site = std::get_if<SiteApplied>(&message);
  return site != nullptr && HasTaggedFields(site->site) ? 2 : 1;
}

void Encode(const Message& message, Bytes& out) {
  FieldAppender appender(out);
  appender.U8(VersionOf(message));
  appender.U8(static_cast<uint8_t>(message.index() + 1));
  std::visit([&appender](const auto& m) { Put(m, appender); }, message);
}

StatusOr<Message> DecodeMessage(ByteSpan bytes) {
  ByteReader reader(bytes);
  FieldReader in(reader);
  const uint8_t version = in.U8("version");
  if (in.ok() && (version == 0 || version > kMessageVersion)) {
    in.Fail("version", "is none of the known values");
  }
  Message message = TakeBody(static_cast<Kind>(in.U8("kind")), in);
  if (in.ok() && !reader.AtEnd()) in.Fail("end", "has bytes behind it");
  if (in.ok() && version != VersionOf(message)) in.Fail("version", "is not that of its contents");
  if (!in.ok()) return in.status();
  return message;
}

bool IsOfLaterVersion(ByteSpan bytes) { return !bytes.empty() && bytes[0] > kMessageVersion; }

void Encode(const EngineInfo& engine, Bytes& out) {
  FieldAppender appender(out);
  PutEngine(engine, appender);
}

void Encode(const Asset& asset, Bytes& out) {
  FieldAppender appender(out);
  PutAsset(asset, appender);
}

StatusOr<EngineInfo> DecodeEngineInfo(ByteReader& bytes) {
  FieldReader in(bytes);
  EngineInfo engine = TakeEngine(in);
  if (!in.ok()) return in.status();
  return engine;
}

StatusOr<Asset> DecodeAsset(ByteReader& bytes) {
  FieldReader in(bytes);
  Asset asset = TakeAsset(in);
  if (!in.ok()) return in.status();
  return asset;
}

}  // namespace strata::farm

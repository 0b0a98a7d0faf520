#include "service_manager/rpc/rows.h"

#include <string>

namespace strata::manager::rpc {
namespace {

// What stands for never in seconds.
constexpr double kNever = 1e18;

void PutCapacity(const farm::Capacity& capacity, v1::Capacity* out) {
  out->set_bandwidth_in(capacity.bandwidth_in);
  out->set_bandwidth_out(capacity.bandwidth_out);
  out->set_storage(capacity.storage);
  out->set_memory(capacity.memory);
}

}  // namespace

v1::EngineRow ToRow(const farm::StateTable& table, const farm::Row& row,
                    const farm::LoadWeights& weights, Timestamp now) {
  v1::EngineRow out;
  out.set_name(row.engine.name);
  out.set_id(row.engine.id.value());
  out.set_status(ToString(table.StatusOf(row, now)));
  out.set_reason(row.in_view ? row.reason : "not in the farm's group");
  out.set_in_view(row.in_view);
  for (const Endpoint& endpoint : row.engine.clients) out.add_clients(ToString(endpoint));
  for (const Endpoint& endpoint : row.engine.peers) out.add_peers(ToString(endpoint));
  PutCapacity(row.engine.capacity, out.mutable_capacity());
  out.set_load_factor(farm::LoadFactor(row, weights));
  out.set_bandwidth_in(row.load.bandwidth_in);
  out.set_bandwidth_out(row.load.bandwidth_out);
  out.set_storage_used(row.load.storage_used);
  out.set_memory_used(row.load.memory_used);
  out.set_cpu(row.load.cpu);
  out.set_active_requests(row.load.active_requests);
  for (const auto& [name, value] : row.load.parameters) (*out.mutable_parameters())[name] = value;
  out.set_assets(row.assets);
  out.set_asset_bytes(row.asset_bytes);
  out.set_telling(row.telling);
  out.set_report_age_s(row.load.sequence == 0 ? -1 : Seconds(now - row.load_at));
  out.set_registration(row.registration);
  return out;
}

v1::Copy ToCopy(const farm::StateTable& table, const farm::Candidate& candidate,
                const farm::ContentKey& key, Timestamp now) {
  v1::Copy out;
  const farm::Row* row = table.Find(candidate.engine);
  const farm::Asset* asset = table.FindAsset(candidate.engine, key);
  if (row == nullptr || asset == nullptr) return out;
  out.set_engine(row->engine.name);
  out.set_status(ToString(candidate.status));
  out.set_load_factor(candidate.load_factor);
  out.set_kind(asset->kind == farm::AssetKind::kLibrary ? "library" : "cache");
  out.set_complete(asset->complete);
  out.set_size(asset->size);
  out.set_validator(asset->validator);
  const Timestamp expires = table.ExpiryOf(candidate.engine, key);
  out.set_expires_in_s(expires == Timestamp::Never() ? kNever : Seconds(expires - now));
  return out;
}

v1::Event ToEvent(const control::FarmEvent& event) {
  v1::Event out;
  out.set_number(event.number);
  out.set_at_ms(event.at_ms);
  out.set_kind(event.kind);
  out.set_text(event.text);
  return out;
}

v1::SiteSummary ToSummary(const control::SiteVersion& version) {
  v1::SiteSummary out;
  out.set_name(version.site.name);
  out.set_version(version.site.version);
  for (const std::string& host : version.site.hosts) out.add_hosts(host);
  out.set_origins(static_cast<uint32_t>(version.site.origins.size()));
  out.set_mode(version.site.mode == farm::Site::Mode::kForward ? "forward" : "redirect");
  out.set_applied_by(version.applied_by);
  out.set_applied_at_s(version.applied_at_s);
  return out;
}

v1::Purge ToPurge(const control::Orders::PurgeOutcome& outcome) {
  v1::Purge out;
  out.set_site(outcome.site);
  out.set_position(outcome.position);
  for (const std::string& uri : outcome.uris) out.add_uris(uri);
  for (const control::Orders::PurgeConfirmation& engine : outcome.engines) {
    v1::PurgeConfirmation* added = out.add_engines();
    added->set_engine(engine.engine);
    added->set_confirmed(engine.confirmed);
    added->set_dropped(engine.dropped);
    added->set_problem(engine.problem);
  }
  return out;
}

void PutOutcome(const control::Orders::SiteOutcome& outcome, v1::ApplySiteReply* reply) {
  reply->set_name(outcome.site.name);
  reply->set_version(outcome.site.version);
  for (const std::string& line : outcome.differences) reply->add_differences(line);
  for (const std::string& engine : outcome.away) reply->add_away(engine);
}

}  // namespace strata::manager::rpc

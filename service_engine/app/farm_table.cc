#include "service_engine/app/farm_table.h"

#include <algorithm>
#include <utility>

#include "multicast/driver/clock.h"

namespace strata::engine::app {
namespace {

std::vector<Peer> PeersOf(const farm::StateTable& table,
                          const std::vector<farm::Candidate>& candidates) {
  std::vector<Peer> peers;
  for (const farm::Candidate& candidate : candidates) {
    const farm::EngineInfo& engine = table.Find(candidate.engine)->engine;
    peers.push_back({engine.id, engine.name, engine.clients, engine.peers});
  }
  return peers;
}

}  // namespace

FarmTable::FarmTable(farm::FarmMember& member, const farm::LoadWeights& weights,
                     rpc::HolderFinder* finder, Invalidator invalidator, MetricRegistry& metrics)
    : member_(member),
      finder_(finder),
      invalidator_(std::move(invalidator)),
      lacks_(metrics.AddCounter({.name = "strata_engine_peer_lacks_total",
                                 .help = "Peers that did not have what the table said, or could "
                                         "not be reached."})) {
  SetWeights(weights);
}

void FarmTable::SetWeights(const farm::LoadWeights& weights) {
  auto settings = std::make_shared<farm::DirectorSettings>();
  settings->weights = weights;
  absl::MutexLock lock(&mutex_);
  settings_ = std::move(settings);
}

std::shared_ptr<const farm::DirectorSettings> FarmTable::settings() const {
  absl::MutexLock lock(&mutex_);
  return settings_;
}

void FarmTable::Invalidate(const farm::ContentKey& key, std::function<void()> done) {
  invalidator_(key, std::move(done));
}

std::shared_ptr<const farm::Site> FarmTable::SiteOfHost(std::string_view first_host) {
  std::shared_ptr<const farm::Site> found;
  member_.Read([&](const farm::TableReplica& replica) {
    const farm::Site* site = replica.ledger().sites().FindByHost(first_host);
    if (site != nullptr) found = std::make_shared<const farm::Site>(*site);
  });
  return found;
}

std::vector<Peer> FarmTable::Holders(const farm::ContentKey& key, uint64_t draw) {
  std::vector<Peer> peers;
  const auto settings = this->settings();
  member_.Read([&](const farm::TableReplica& replica) {
    const farm::Director director(replica.table(), *settings);
    peers = PeersOf(replica.table(), director.Holders(key, draw, multicast::Now()));
  });
  return peers;
}

void FarmTable::AskHolders(const farm::ContentKey& key, uint64_t draw, TakeHolders done) {
  finder_->Find(key, [this, draw, done = std::move(done)](
                         const StatusOr<std::vector<farm::EngineId>>& holders) {
    std::vector<Peer> peers;
    if (holders.ok()) {
      const auto settings = this->settings();
      member_.Read([&](const farm::TableReplica& replica) {
        const farm::Director director(replica.table(), *settings);
        peers = PeersOf(replica.table(), director.Rank(*holders, draw, multicast::Now()));
      });
    }
    done(std::move(peers));
  });
}

std::vector<Peer> FarmTable::Fillers(const farm::ContentKey& key) {
  std::vector<Peer> peers;
  const auto settings = this->settings();
  member_.Read([&](const farm::TableReplica& replica) {
    const farm::Director director(replica.table(), *settings);
    peers = PeersOf(replica.table(), director.Fillers(key, multicast::Now()));
  });
  return peers;
}

bool FarmTable::IsMember(const IpAddress& address) {
  bool member = false;
  member_.Read([&](const farm::TableReplica& replica) {
    const auto at = [&address](const Endpoint& endpoint) { return endpoint.ip == address; };
    for (const auto& [id, row] : replica.table().rows()) {
      member = member || std::any_of(row.engine.peers.begin(), row.engine.peers.end(), at) ||
               std::any_of(row.engine.clients.begin(), row.engine.clients.end(), at);
    }
  });
  return member;
}

void FarmTable::PeerLacks(farm::EngineId, const farm::ContentKey&) { lacks_.Add(); }

}  // namespace strata::engine::app

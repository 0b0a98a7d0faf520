#include <charconv>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/address.h"
#include "common/metrics.h"
#include "common/quantity.h"
#include "common/status.h"
#include "farm/content_identity.h"
#include "farm/site.h"
#include "service_engine/transfer/agent_server.h"

// An agent whose state table is told line by line on standard input; each line is answered by one.
//
//   site NAME HOST key=value...    a site; origin=HOST:PORT[:tls] as often as wanted
//   holders URI PEER...            who holds a content; PEER is ID,NAME,CLIENTS,PEERS (endpoints)
//   fillers PEER...                who fills what nobody holds
//   member ADDRESS                 an engine has this address
//   purge URI...                   AgentServer::EndFetches
//   lacking                        which engines were told not to have what they should
//   invalidated URI                how often an unsafe method made it invalid
//   fetches                        how many are in flight
//   metric SAMPLE                  the value of a line of the metrics

namespace strata::engine::transfer {
namespace {

using Words = std::vector<std::string>;

StatusOr<Peer> ReadPeer(const std::string& text) {
  std::istringstream in(text);
  Words parts;
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  if (parts.size() != 4) return InvalidArgument("%s: no peer", text.c_str());
  Peer peer;
  peer.id = farm::EngineId(static_cast<uint32_t>(std::stoul(parts[0])));
  peer.name = parts[1];
  STRATA_ASSIGN_OR_RETURN(const Endpoint client, Endpoint::Parse(parts[2]));
  STRATA_ASSIGN_OR_RETURN(const Endpoint endpoint, Endpoint::Parse(parts[3]));
  peer.clients = {client};
  peer.peers = {endpoint};
  return peer;
}

StatusOr<std::vector<Peer>> ReadPeers(const Words& words, size_t from) {
  std::vector<Peer> peers;
  for (size_t i = from; i < words.size(); ++i) {
    STRATA_ASSIGN_OR_RETURN(Peer peer, ReadPeer(words[i]));
    peers.push_back(std::move(peer));
  }
  return peers;
}

farm::Origin ReadOrigin(const std::string& text) {
  farm::Origin origin;
  const size_t tls = text.find(":tls");
  const std::string address = text.substr(0, tls);
  const size_t colon = address.rfind(':');
  origin.tls = tls != std::string::npos;
  origin.host = address.substr(0, colon);
  origin.port = static_cast<uint16_t>(std::stoul(address.substr(colon + 1)));
  origin.connect_timeout = std::chrono::seconds(1);
  origin.read_timeout = std::chrono::seconds(5);
  return origin;
}

Status SetField(farm::Site& site, const std::string& name, const std::string& value) {
  if (name == "origin") {
    site.origins.push_back(ReadOrigin(value));
  } else if (name == "mode") {
    site.mode = value == "forward" ? farm::Site::Mode::kForward : farm::Site::Mode::kRedirect;
  } else if (name == "cors") {
    site.cors_origins.push_back(value);
  } else if (name == "sorted") {
    site.query.sorted = true;
  } else {
    STRATA_ASSIGN_OR_RETURN(const Duration time, ParseDuration(value));
    if (name == "read") {
      for (farm::Origin& origin : site.origins) origin.read_timeout = time;
      return Ok();
    }
    const std::map<std::string, Duration*> times = {{"ttl", &site.ttl},
                                                    {"negative_ttl", &site.negative_ttl},
                                                    {"stale_if_error", &site.stale_if_error},
                                                    {"fill_limit", &site.fill_limit}};
    const auto found = times.find(name);
    if (found == times.end()) return InvalidArgument("%s: no field", name.c_str());
    *found->second = time;
  }
  return Ok();
}

// The table as it was told.
class ToldTable final : public AgentTable {
 public:
  std::shared_ptr<const farm::Site> SiteOfHost(std::string_view first_host) override {
    const std::lock_guard lock(mutex_);
    const auto found = sites_.find(std::string(first_host));
    return found == sites_.end() ? nullptr : found->second;
  }
  std::vector<Peer> Holders(const farm::ContentKey& key, uint64_t /*draw*/) override {
    const std::lock_guard lock(mutex_);
    const auto found = holders_.find(key);
    return found == holders_.end() ? std::vector<Peer>() : found->second;
  }
  std::vector<Peer> Fillers(const farm::ContentKey& /*key*/) override {
    const std::lock_guard lock(mutex_);
    return fillers_;
  }
  bool IsMember(const IpAddress& address) override {
    const std::lock_guard lock(mutex_);
    return members_.contains(address);
  }
  void PeerLacks(farm::EngineId engine, const farm::ContentKey& /*key*/) override {
    const std::lock_guard lock(mutex_);
    lacking_ += " " + std::to_string(engine.value());
  }
  void Invalidate(const farm::ContentKey& key, std::function<void()> done) override {
    {
      const std::lock_guard lock(mutex_);
      invalidated_ += " " + farm::ToString(key);
    }
    done();
  }

  // Takes one line about the table.
  Status Learn(const Words& words) {
    const std::lock_guard lock(mutex_);
    if (words[0] == "site") return LearnSite(words);
    if (words[0] == "member") {
      STRATA_ASSIGN_OR_RETURN(const IpAddress address, IpAddress::Parse(words.at(1)));
      members_.insert(address);
      return Ok();
    }
    const bool holders = words[0] == "holders";
    if (!holders && words[0] != "fillers") return InvalidArgument("%s?", words[0].c_str());
    STRATA_ASSIGN_OR_RETURN(std::vector<Peer> peers, ReadPeers(words, holders ? 2 : 1));
    (holders ? holders_[farm::KeyOf(words.at(1))] : fillers_) = std::move(peers);
    return Ok();
  }
  // How often a content was invalidated.
  size_t invalidated(const std::string& uri) {
    const std::string key = " " + farm::ToString(farm::KeyOf(uri));
    const std::lock_guard lock(mutex_);
    size_t count = 0;
    for (size_t at = invalidated_.find(key); at != std::string::npos;) {
      ++count;
      at = invalidated_.find(key, at + 1);
    }
    return count;
  }
  std::string lacking() {
    const std::lock_guard lock(mutex_);
    return lacking_;
  }

 private:
  Status LearnSite(const Words& words) {
    auto site = std::make_shared<farm::Site>();
    site->name = words.at(1);
    site->hosts = {words.at(2)};
    for (size_t i = 3; i < words.size(); ++i) {
      const size_t equals = words[i].find('=');
      STRATA_RETURN_IF_ERROR(
          SetField(*site, words[i].substr(0, equals), words[i].substr(equals + 1)));
    }
    sites_[words.at(2)] = std::move(site);
    return Ok();
  }

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const farm::Site>> sites_;
  std::map<farm::ContentKey, std::vector<Peer>> holders_;
  std::vector<Peer> fillers_;
  std::set<IpAddress> members_;
  std::string lacking_;
  std::string invalidated_;
};

std::string Metric(const MetricRegistry& metrics, const std::string& sample) {
  std::istringstream text(metrics.Text());
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with(sample + " ")) return line.substr(sample.size() + 1);
  }
  return "none";
}

std::string Do(const Words& words, AgentServer& server, ToldTable& table,
               const MetricRegistry& metrics) {
  if (words[0] == "fetches") return std::to_string(server.fetches());
  if (words[0] == "lacking") return "engines" + table.lacking();
  if (words[0] == "invalidated") return std::to_string(table.invalidated(words.at(1)));
  if (words[0] == "metric") return Metric(metrics, words.at(1));
  if (words[0] != "purge") return ToString(table.Learn(words));
  std::vector<farm::ContentKey> keys;
  for (size_t i = 1; i < words.size(); ++i) keys.push_back(farm::KeyOf(words[i]));
  return ToString(server.EndFetches(keys, std::chrono::seconds(5)));
}

int Run(const AgentOptions& options) {
  ToldTable table;
  MetricRegistry metrics;
  auto server = AgentServer::Start(options, table, metrics);
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", ToString(server.status()).c_str());
    return 1;
  }
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    Words words;
    for (std::string word; in >> word;) words.push_back(word);
    if (!words.empty()) std::cout << Do(words, **server, table, metrics) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace strata::engine::transfer

// SOCKET SPOOL [CA FILE]
int main(int argc, char** argv) {
  strata::engine::transfer::AgentOptions options;
  if (argc < 3) return 2;
  options.socket_path = argv[1];
  options.spool_folder = argv[2];
  if (argc > 3) options.extra_ca_file = argv[3];
  options.self = strata::farm::EngineId(1);
  options.self_name = "one";
  options.loop_token = "strata-test";
  options.socket_mode = 0666;
  options.spool_free_min = 1 << 20;
  return strata::engine::transfer::Run(options);
}

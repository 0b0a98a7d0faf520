#include "service_engine/core/miss_decision.h"

#include <algorithm>

namespace strata::engine {
namespace {

constexpr uint16_t kHttpPort = 80;

using Kind = MissDecision::Kind;

MissDecision Refuse(int status, std::string reason) {
  MissDecision decision;
  decision.kind = Kind::kRefuse;
  decision.status = status;
  decision.reason = std::move(reason);
  return decision;
}

MissDecision Do(Kind kind) {
  MissDecision decision;
  decision.kind = kind;
  return decision;
}

// The first endpoint of the client's family, else the first of all; null if there is none.
const Endpoint* ReachedBy(const IpAddress& client, const std::vector<Endpoint>& endpoints) {
  const IpFamily family = client.Unmapped().family();
  const auto same = std::find_if(endpoints.begin(), endpoints.end(), [&](const Endpoint& endpoint) {
    return endpoint.ip.family() == family;
  });
  if (same != endpoints.end()) return &*same;
  return endpoints.empty() ? nullptr : &endpoints.front();
}

// One request's decision.
class Decider {
 public:
  Decider(const MissQuestion& question, const farm::Site& site, farm::EngineId self)
      : question_(question), site_(site), self_(self) {}

  MissDecision Decide(const std::vector<Peer>& holders, const std::vector<Peer>& fillers) const {
    const bool hop = question_.form == MissForm::kPeer || question_.form == MissForm::kPeerFill;
    if (hop && !question_.from_member) return Refuse(403, "no member of the farm asks from there");
    if (question_.looped) return Refuse(508, "the request has been here before");
    if (question_.method == MissMethod::kOther) {
      return hop ? Refuse(405, "engines ask each other by GET and HEAD only") : ToOrigin();
    }
    if (question_.form == MissForm::kPeer) return Refuse(504, "not held here");
    if (hop || question_.tried.size() >= kMaxTriedPeers) return Fill();
    return OnHolders(holders, fillers);
  }

 private:
  bool Redirects() const {
    return question_.form == MissForm::kDirect && site_.mode == farm::Site::Mode::kRedirect;
  }

  MissDecision OnHolders(const std::vector<Peer>& holders, const std::vector<Peer>& fillers) const {
    // One of those who should have it anyway makes the copy that is missing, instead of sending on.
    const auto others = std::count_if(holders.begin(), holders.end(),
                                      [this](const Peer& peer) { return peer.id != self_; });
    if (!site_.origins.empty() && static_cast<uint64_t>(others) < site_.minimum_copies &&
        IsAmongFirst(fillers, site_.minimum_copies)) {
      return Fill();
    }
    for (const Peer& holder : holders) {
      if (holder.id == self_) continue;
      const std::optional<MissDecision> sent = Redirects() ? Redirect(holder) : Ask(holder, "/_s/");
      if (sent) return *sent;
    }
    if (question_.form == MissForm::kRedirected || site_.origins.empty()) return Fill();
    for (const Peer& filler : fillers) {
      if (filler.id == self_) return Fill();
      const std::optional<MissDecision> sent = Redirects() ? Redirect(filler) : Ask(filler, "/_f/");
      if (sent) return *sent;
    }
    return Fill();
  }

  bool IsAmongFirst(const std::vector<Peer>& fillers, size_t number) const {
    const auto end = fillers.begin() + static_cast<ptrdiff_t>(std::min(number, fillers.size()));
    return std::any_of(fillers.begin(), end, [this](const Peer& peer) { return peer.id == self_; });
  }

  MissDecision Fill() const {
    return site_.origins.empty() ? Refuse(404, "nobody holds it, and the site has no origin")
                                 : Do(Kind::kFill);
  }
  MissDecision ToOrigin() const {
    return site_.origins.empty() ? Refuse(405, "the site has no origin: GET and HEAD only")
                                 : Do(Kind::kForward);
  }

  std::optional<MissDecision> Redirect(const Peer& peer) const {
    const Endpoint* to = ReachedBy(question_.client, peer.clients);
    if (to == nullptr) return std::nullopt;
    std::string engine = peer.name;
    if (site_.redirect_form == farm::Site::RedirectForm::kPath) {
      engine = ToString(*to);
      const std::string port = ":" + std::to_string(kHttpPort);
      if (to->port == kHttpPort) engine.resize(engine.size() - port.size());
    }
    MissDecision decision = Do(Kind::kRedirect);
    decision.status = 302;
    decision.location =
        farm::RedirectLocation(site_, question_.scheme, engine, question_.host, question_.target);
    return decision;
  }

  std::optional<MissDecision> Ask(const Peer& peer, const char* prefix) const {
    if (peer.peers.empty()) return std::nullopt;
    const std::string endpoint = ToString(peer.peers.front());
    const auto& tried = question_.tried;
    if (std::find(tried.begin(), tried.end(), endpoint) != tried.end()) return std::nullopt;
    MissDecision decision = Do(Kind::kPeer);
    decision.peer = peer.peers.front();
    decision.peer_target = prefix + site_.hosts.front() + question_.target;
    return decision;
  }

  const MissQuestion& question_;
  const farm::Site& site_;
  const farm::EngineId self_;
};

}  // namespace

std::optional<MissForm> ParseMissForm(std::string_view text) {
  if (text == "direct") return MissForm::kDirect;
  if (text == "redirected") return MissForm::kRedirected;
  if (text == "peer") return MissForm::kPeer;
  if (text == "peer-fill") return MissForm::kPeerFill;
  return std::nullopt;
}

MissDecision DecideMiss(const MissQuestion& question, const farm::Site& site, farm::EngineId self,
                        const std::vector<Peer>& holders, const std::vector<Peer>& fillers) {
  return Decider(question, site, self).Decide(holders, fillers);
}

std::string AllowedWebOrigin(const farm::Site& site, std::string_view web_origin) {
  if (web_origin.empty()) return "";
  for (const std::string& allowed : site.cors_origins) {
    if (allowed == "*") return "*";
    if (allowed == web_origin) return allowed;
  }
  return "";
}

}  // namespace strata::engine

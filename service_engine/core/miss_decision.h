#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.h"
#include "farm/content_key.h"
#include "farm/engine.h"
#include "farm/site.h"

namespace strata::engine {

// Peers that did not have a content after all, in one request; after as many the engine fills.
inline constexpr size_t kMaxTriedPeers = 3;

// How a request reached the engine (docs/protocols/agent.md, section 1).
enum class MissForm : uint8_t { kDirect, kRedirected, kPeer, kPeerFill };
std::optional<MissForm> ParseMissForm(std::string_view text);

// What a request is, as far as its way is concerned. Other methods than GET and HEAD go to the
// origin, which alone knows what they mean.
enum class MissMethod : uint8_t { kGet, kHead, kOther };

// Another engine, as far as requests go.
struct Peer {
  farm::EngineId id{};
  std::string name;
  std::vector<Endpoint> clients;  // Where clients reach it; the first of a family is preferred.
  std::vector<Endpoint> peers;    // Where engines fetch from it.

  friend bool operator==(const Peer&, const Peer&) = default;
};

struct MissQuestion {
  MissForm form = MissForm::kDirect;
  MissMethod method = MissMethod::kGet;
  IpAddress client;                // Or the asking engine.
  bool from_member = false;        // The client's address is one of a member of the farm.
  bool looped = false;             // It has been here: CDN-Loop says so (RFC 8586).
  std::vector<std::string> tried;  // Peers' endpoints that had it not, as ToString gives them.
  std::string scheme;              // Of the client's request: http or https.
  std::string host;                // As in the request and in canonical form: one of the site's.
  std::string target;              // Path and query as they came.
  std::string web_origin;          // The Origin header; may be empty.
};

struct MissDecision {
  enum class Kind : uint8_t {
    kFill,      // Fetch it from the origin, or join who does.
    kPeer,      // nginx fetches `peer_target` from `peer`.
    kRedirect,  // 302 to `location`.
    kForward,   // The request goes to the origin as it is, past the cache.
    kRefuse,    // `status` and `reason`.
  };
  Kind kind = Kind::kFill;
  int status = 0;
  std::string reason;  // For people.
  Endpoint peer;
  std::string peer_target;  // /_s/HOST/… or /_f/HOST/…
  std::string location;
};

// The way of a request for what nginx does not hold. `holders`: who holds it by the engine's table,
// best first; `fillers`: who is to fetch it if nobody does, in order; both may have `self` in them,
// which does not count as a holder, since nginx has just missed. Pure.
MissDecision DecideMiss(const MissQuestion& question, const farm::Site& site, farm::EngineId self,
                        const std::vector<Peer>& holders, const std::vector<Peer>& fillers);

// The value of Access-Control-Allow-Origin for a request of this Origin; empty: none.
std::string AllowedWebOrigin(const farm::Site& site, std::string_view web_origin);

}  // namespace strata::engine

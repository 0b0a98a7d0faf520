#include "service_manager/federation/policy/known_above.h"

namespace strata::manager::federation {
namespace {

KnownCopy AfterLink(const KnownCopy& below, const PolicyLink& link, std::string_view canonical_uri,
                    farm::AssetKind kind) {
  KnownCopy known = below;
  known.manager = link.parent;
  if (below.known == Forward::kNone) {
    known.because = link.child.scope + " does not know of it";
    return known;
  }
  const Treatment treatment = link.matcher.TreatmentOf(canonical_uri);
  const Forward forward = kind == farm::AssetKind::kLibrary ? treatment.library : treatment.cache;
  known.because = RuleText(link.matcher.policy(), link.matcher.RuleOf(canonical_uri, kind)) +
                  " of " + link.child.scope;
  if (forward == Forward::kFull) return known;
  known.known = forward;
  known.scope = forward == Forward::kScope ? link.child.scope : "";
  return known;
}

std::string Knowledge(const KnownCopy& known) {
  switch (known.known) {
    case Forward::kFull:
      return "will know the engine that has it";
    case Forward::kScope:
      return "will know that " + known.scope + " has it";
    case Forward::kNone:
      return "will not know of it";
  }
  return "?";
}

}  // namespace

std::vector<KnownCopy> KnownAbove(std::string_view canonical_uri, farm::AssetKind kind,
                                  std::span<const PolicyLink> chain) {
  std::vector<KnownCopy> known;
  KnownCopy below;
  for (const PolicyLink& link : chain) {
    below = AfterLink(below, link, canonical_uri, kind);
    known.push_back(below);
  }
  return known;
}

std::string ToString(const KnownCopy& known) {
  return ToString(known.manager) + " " + Knowledge(known) + ": " + known.because;
}

std::vector<std::string> KnownAboveText(std::string_view canonical_uri,
                                        std::span<const PolicyLink> chain) {
  const auto library = KnownAbove(canonical_uri, farm::AssetKind::kLibrary, chain);
  const auto cache = KnownAbove(canonical_uri, farm::AssetKind::kCache, chain);
  std::vector<std::string> lines;
  for (size_t i = 0; i < chain.size(); ++i) {
    if (library[i] == cache[i]) {
      lines.push_back(ToString(library[i]));
    } else {
      lines.push_back("of a library copy, " + ToString(library[i]));
      lines.push_back("of a cache copy, " + ToString(cache[i]));
    }
  }
  return lines;
}

}  // namespace strata::manager::federation

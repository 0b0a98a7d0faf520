#include "common/tls/identity.h"

#include <array>
#include <utility>

namespace strata::tls {
namespace {

constexpr std::string_view kScheme = "strata://";
constexpr std::array kRoles = {Role::kManager, Role::kEngine, Role::kOperator, Role::kViewer,
                               Role::kWitness};
constexpr size_t kShownBytesMax = 300;  // Of a text from outside, in an error.

bool IsLetterOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool IsWord(std::string_view text, std::string_view inside) {
  if (text.empty() || !IsLetterOrDigit(text.front()) || !IsLetterOrDigit(text.back())) return false;
  for (const char c : text) {
    if (!IsLetterOrDigit(c) && inside.find(c) == std::string_view::npos) return false;
  }
  return true;
}

// A text that may be anything, as part of an error.
std::string Shown(std::string_view text) {
  std::string shown(text.substr(0, kShownBytesMax));
  for (char& c : shown) {
    if (c < ' ' || c > '~') c = '?';
  }
  return shown;
}

// Takes what stands behind the last slash off `text`.
std::string_view TakeLast(std::string_view& text) {
  const size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return std::exchange(text, {});
  const std::string_view last = text.substr(slash + 1);
  text = text.substr(0, slash);
  return last;
}

}  // namespace

const char* ToString(Role role) {
  switch (role) {
    case Role::kManager:
      return "manager";
    case Role::kEngine:
      return "engine";
    case Role::kOperator:
      return "operator";
    case Role::kViewer:
      return "viewer";
    case Role::kWitness:
      return "witness";
  }
  return "?";
}

StatusOr<Role> ParseRole(std::string_view text) {
  for (const Role role : kRoles) {
    if (text == ToString(role)) return role;
  }
  return InvalidArgument(
      "\"%s\" is no role; roles are manager, engine, operator, viewer and witness",
      Shown(text).c_str());
}

std::string ToString(const Identity& identity) {
  return std::string(ToString(identity.role)) + " " + identity.name + " of " + identity.scope;
}

std::string IdentityUri(const Identity& identity) {
  return std::string(kScheme) + identity.scope + "/" + ToString(identity.role) + "/" +
         identity.name;
}

Status CheckScope(std::string_view scope) {
  size_t segments = 0;
  std::string_view rest = scope;
  do {
    const std::string_view segment = TakeLast(rest);
    if (!IsWord(segment, "-") || segment.size() > kScopeSegmentBytesMax ||
        ++segments > kScopeSegmentsMax) {
      return InvalidArgument(
          "\"%s\" is no scope; a scope is 1 to %zu words of a-z, 0-9 and -, with / between, "
          "such as cdn-one/dc-two/lan-a",
          Shown(scope).c_str(), kScopeSegmentsMax);
    }
  } while (!rest.empty());
  return scope.front() == '/' ? InvalidArgument("a scope does not begin with /") : Ok();
}

Status CheckName(std::string_view name) {
  if (IsWord(name, "-.") && name.size() <= kNameBytesMax) return Ok();
  return InvalidArgument(
      "\"%s\" is no name; a name is 1 to %zu of a-z, 0-9, - and ., with a letter or digit at both "
      "ends",
      Shown(name).c_str(), kNameBytesMax);
}

StatusOr<Identity> ParseIdentityUri(std::string_view uri) {
  if (!uri.starts_with(kScheme)) {
    return InvalidArgument("\"%s\" does not begin with strata://", Shown(uri).c_str());
  }
  std::string_view rest = uri.substr(kScheme.size());
  Identity identity;
  identity.name = TakeLast(rest);
  STRATA_RETURN_IF_ERROR(CheckName(identity.name));
  STRATA_ASSIGN_OR_RETURN(identity.role, ParseRole(TakeLast(rest)));
  identity.scope = rest;
  STRATA_RETURN_IF_ERROR(CheckScope(identity.scope));
  return identity;
}

bool ScopeCovers(std::string_view outer, std::string_view inner) {
  if (!inner.starts_with(outer)) return false;
  return inner.size() == outer.size() || (!outer.empty() && inner[outer.size()] == '/');
}

}  // namespace strata::tls

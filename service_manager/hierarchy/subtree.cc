#include "service_manager/hierarchy/subtree.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "common/tls/identity.h"
#include "service_manager/link/limits.h"

namespace strata::manager::hierarchy {
namespace {

// Of the encoded form: numbers and heads of fields, roughly.
constexpr size_t kScopeBytes = 96;
constexpr size_t kManagerBytes = 8;

size_t BytesOf(const SubtreeScope& scope) {
  size_t bytes =
      kScopeBytes + scope.place.scope.size() + scope.parent.size() + scope.version.size();
  for (const ScopeManager& manager : scope.managers) {
    bytes += kManagerBytes + manager.name.size() + manager.address.size();
  }
  return bytes;
}

// ASCII without blanks and control characters.
bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// HOST:PORT.
bool IsAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  return text.size() <= kManagerAddressBytesMax && colon != std::string_view::npos && colon > 0 &&
         colon + 1 < text.size() && IsPlain(text);
}

Status CheckScopeEntry(const SubtreeScope& scope) {
  STRATA_RETURN_IF_ERROR(federation::CheckScopeLevel(scope.place));
  STRATA_RETURN_IF_ERROR(CheckVersion(scope.version));
  if (scope.engines_up > scope.engines) {
    return InvalidArgument("%s: %u of %u engines are up", scope.place.scope.c_str(),
                           scope.engines_up, scope.engines);
  }
  const Status managers = CheckManagers(scope.managers);
  if (managers.ok()) return Ok();
  return InvalidArgument("%s: %s", scope.place.scope.c_str(), MessageOf(managers).c_str());
}

}  // namespace

Status CheckVersion(const std::string& version) {
  if (version.size() <= link::kVersionBytesMax && IsPlain(version)) return Ok();
  return InvalidArgument("a version that is not plain text of %zu bytes at most",
                         link::kVersionBytesMax);
}

Status CheckManagers(const std::vector<ScopeManager>& managers) {
  if (managers.size() > kManagersPerScopeMax) {
    return InvalidArgument("%zu managers; %zu at most", managers.size(), kManagersPerScopeMax);
  }
  for (const ScopeManager& manager : managers) {
    const Status name = tls::CheckName(manager.name);
    if (!name.ok()) return InvalidArgument("a manager's name: %s", MessageOf(name).c_str());
    if (!IsAddress(manager.address)) {
      return InvalidArgument("the address of manager %s is not HOST:PORT", manager.name.c_str());
    }
  }
  return Ok();
}

Status CheckSubtree(const federation::ScopeLevel& sender, const Subtree& subtree) {
  if (subtree.scopes.empty() || subtree.scopes.front().place != sender) {
    return InvalidArgument("a subtree does not begin with its sender's scope, %s",
                           ToString(sender).c_str());
  }
  if (subtree.scopes.size() > kSubtreeScopesMax) {
    return InvalidArgument("a subtree of %zu scopes; %zu at most", subtree.scopes.size(),
                           kSubtreeScopesMax);
  }
  std::map<std::string_view, const SubtreeScope*> seen;
  for (const SubtreeScope& scope : subtree.scopes) {
    STRATA_RETURN_IF_ERROR(CheckScopeEntry(scope));
    if (!seen.empty()) {
      const auto parent = seen.find(scope.parent);
      if (parent == seen.end()) {
        return InvalidArgument("%s tells of %s, and not of its parent before it",
                               sender.scope.c_str(), scope.place.scope.c_str());
      }
      STRATA_RETURN_IF_ERROR(federation::CheckLink(parent->second->place, scope.place));
    }
    if (!seen.emplace(scope.place.scope, &scope).second) {
      return InvalidArgument("%s tells of %s twice", sender.scope.c_str(),
                             scope.place.scope.c_str());
    }
  }
  return Ok();
}

void Limit(Subtree& subtree, const SubtreeLimits& limits) {
  size_t scopes = subtree.scopes.size();
  size_t bytes = 0;
  for (const SubtreeScope& scope : subtree.scopes) bytes += BytesOf(scope);
  const auto is_over = [&] { return scopes > limits.scopes_max || bytes > limits.bytes_max; };
  if (!is_over()) return;
  std::vector<bool> out(subtree.scopes.size());
  for (uint32_t level = federation::kLevelMin; level < federation::kLevelMax; ++level) {
    for (size_t i = out.size() - 1; i > 0 && is_over(); --i) {
      if (subtree.scopes[i].place.level != level) continue;
      out[i] = true;
      --scopes;
      bytes -= BytesOf(subtree.scopes[i]);
      ++subtree.left_out;
    }
  }
  size_t i = 0;
  std::erase_if(subtree.scopes, [&](const SubtreeScope&) { return out[i++]; });
}

}  // namespace strata::manager::hierarchy

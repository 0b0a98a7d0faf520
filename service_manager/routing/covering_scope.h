#pragma once

#include <cstddef>
#include <string_view>

namespace strata::manager::routing {

// The entry of `scope` in a map or set by scope, else that of the nearest scope that covers it;
// end() if there is none. It is searched by text (std::less<>).
template <class Map>
typename Map::const_iterator FindCovering(const Map& by_scope, std::string_view scope) {
  while (true) {
    const auto found = by_scope.find(scope);
    const size_t slash = scope.rfind('/');
    if (found != by_scope.end() || slash == std::string_view::npos) return found;
    scope = scope.substr(0, slash);
  }
}

}  // namespace strata::manager::routing

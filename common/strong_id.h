#pragma once

#include <compare>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

namespace strata {

// A number or name that means one kind of thing: an EngineId cannot be passed where a SiteId is
// asked for. `Tag` is any type, only its name matters; `Rep` is the raw value.
//
//   using EngineId = StrongId<struct EngineIdTag, uint32_t>;
template <class Tag, class Rep>
class StrongId {
 public:
  using ValueType = Rep;

  constexpr StrongId() = default;  // A Rep{}: zero, or empty.
  constexpr explicit StrongId(Rep value) : value_(std::move(value)) {}

  constexpr const Rep& value() const { return value_; }

  friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;

  // Abseil's containers hash by this.
  template <class H>
  friend H AbslHashValue(H state, const StrongId& id) {
    return H::combine(std::move(state), id.value_);
  }

 private:
  Rep value_{};
};

template <class Tag, class Rep>
std::string ToString(const StrongId<Tag, Rep>& id) {
  if constexpr (std::is_convertible_v<const Rep&, std::string>) {
    return id.value();
  } else if constexpr (std::is_arithmetic_v<Rep>) {
    return std::to_string(id.value());
  } else {
    return ToString(id.value());
  }
}

}  // namespace strata

template <class Tag, class Rep>
struct std::hash<strata::StrongId<Tag, Rep>> {
  size_t operator()(const strata::StrongId<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.value());
  }
};

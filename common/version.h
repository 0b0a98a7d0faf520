#pragma once

namespace strata {

// Of all programs, for people: they say it with --version and to each other.
inline constexpr const char* kVersion = "0.2.0";

}  // namespace strata

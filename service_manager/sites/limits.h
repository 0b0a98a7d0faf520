#pragma once

#include <cstddef>

// The limits of what managers say to each other of sites and purges. docs/protocols/site_flow.md.
namespace strata::manager::sites {

// Rows that one manager keeps, about sites and the scopes beneath it. What is beyond is refused.
inline constexpr size_t kRowsMax = 200'000;
// Scopes beneath one manager.
inline constexpr size_t kScopesMax = 4096;
// Engines that a row names, and bytes of what is wrong with one of them.
inline constexpr size_t kEnginesNamedMax = 64;
inline constexpr size_t kProblemBytesMax = 200;
// Bytes of purges in one message, about; one entry alone may have more.
inline constexpr size_t kPurgeBytesAtOnce = size_t{1} << 20;
// Rows in one message.
inline constexpr size_t kRowsAtOnce = 500;

}  // namespace strata::manager::sites

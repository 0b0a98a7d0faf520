#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace strata::cli {

// `text` as it may be shown on a terminal: control characters and what is not UTF-8 become "?".
std::string Printable(std::string_view text);

// Columns that a printable text takes: wide characters two, combining ones none.
size_t TextWidth(std::string_view text);

// The longest beginning of a printable text that fits, with "…" at the end if something is missing.
std::string Shortened(std::string_view text, size_t width_max);

}  // namespace strata::cli

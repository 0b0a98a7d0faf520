#pragma once

#include <cstddef>
#include <string_view>

namespace strata {

// How many bytes from the front of `text` are whole UTF-8 characters: all of them if it is valid.
// Overlong forms, surrogates and what lies above U+10FFFF are not characters.
size_t ValidUtf8Prefix(std::string_view text);

inline bool IsUtf8(std::string_view text) { return ValidUtf8Prefix(text) == text.size(); }

}  // namespace strata

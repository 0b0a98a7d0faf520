#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/bytes.h"

namespace strata {

// Two lower-case digits for each byte, nothing between them.
std::string ToHex(ByteSpan bytes);

// The bytes that `text` spells in digits of either case; nothing if a digit is missing or wrong.
std::optional<Bytes> FromHex(std::string_view text);

}  // namespace strata

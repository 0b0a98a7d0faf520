#pragma once

#include <string>
#include <string_view>

// Takes secrets out of texts that leave the house. Pure.

namespace strata::cli::bundle {

// What stands where something was taken out.
inline constexpr std::string_view kRemoved = "[removed]";

// `text` without
// - private keys in PEM, also cut off ones: everything between the lines, and lines that are
// nothing
//   but base64;
// - what follows a word for a secret (password, passphrase, secret, token, authorization, cookie,
// …)
//   and a ":" or "=" or, of headers, spaces;
// - name and password in front of a host in a URL;
// - 64 and more hexadecimal digits in a row, as symmetric keys are written.
// Better too much than too little; lines stay lines.
std::string Redact(std::string_view text);

}  // namespace strata::cli::bundle

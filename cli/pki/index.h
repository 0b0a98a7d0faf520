#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"
#include "common/tls/identity.h"

// What an authority remembers of itself, as text. Pure.

namespace strata::cli {

inline constexpr size_t kIssuedMax = 100'000;
// The scope of an authority that issues for all scopes: that of a federation.
inline constexpr std::string_view kEveryScope = "*";

struct Issued {
  tls::Identity identity;
  int64_t revoked_at_s = 0;  // Seconds since 1970; 0: it is not revoked.
};

struct PkiIndex {
  std::string scope;             // It issues for this scope and what lies below; or kEveryScope.
  int64_t valid_until_s = 0;     // The authority itself.
  uint64_t revocation_list = 0;  // The number of the last one.
  std::vector<Issued> issued;    // Oldest first.
};

// InvalidArgument if `scope` is neither a scope nor kEveryScope.
Status CheckAuthorityScope(std::string_view scope);
// Whether an authority of the scope `authority` issues for `scope`.
bool IssuesFor(std::string_view authority, std::string_view scope);

// The text, and back; InvalidArgument names the line.
//
//   strata-pki 1
//   scope cdn-one
//   valid-until 2115360000
//   revocation-list 2
//   issued SERIAL strata://cdn-one/engine/north-1 FROM TO REVOKED
std::string Format(const PkiIndex& index);
StatusOr<PkiIndex> ParsePkiIndex(std::string_view text);

// The certificates that `who` means, as positions in `index.issued`: a serial (or eight or more of
// its first digits), a name, ROLE/NAME, or a whole strata:// URI. NotFound if there is none, with
// the name that was probably meant; InvalidArgument if it means several identities.
StatusOr<std::vector<size_t>> FindIssued(const PkiIndex& index, std::string_view who);

}  // namespace strata::cli

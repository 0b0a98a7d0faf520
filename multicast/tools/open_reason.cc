#include "multicast/tools/open_reason.h"

namespace strata::multicast {

std::string_view ReasonOf(OpenError error) {
  switch (error) {
    case OpenError::kTooShort:
      return "too_short";
    case OpenError::kBadMagic:
      return "bad_magic";
    case OpenError::kBadVersion:
      return "bad_version";
    case OpenError::kForeignGroup:
      return "foreign_group";
    case OpenError::kWrongSecurity:
      return "wrong_security";
    case OpenError::kUnknownKey:
      return "unknown_key";
    case OpenError::kForged:
      return "forged";
    case OpenError::kReplayed:
      return "replayed";
    case OpenError::kOwnPacket:
      return "own_packet";
  }
  return "unknown";
}

}  // namespace strata::multicast

#include "service_manager/app/manager_address.h"

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/number.h"

namespace strata::manager::app {
namespace {

constexpr size_t kManagerBytesMax = 300;

}  // namespace

Status CheckManagerAddress(const char* key, const std::string& text) {
  const size_t colon = text.rfind(':');
  const auto port = colon == std::string::npos
                        ? std::nullopt
                        : ParseNumber<uint16_t>(std::string_view(text).substr(colon + 1));
  if (colon != 0 && port && *port != 0 && text.size() <= kManagerBytesMax) return Ok();
  return InvalidArgument("%s: \"%s\" is not HOST:PORT", key, text.c_str());
}

StatusOr<std::vector<std::string>> ManagerAddresses(
    const char* key, const google::protobuf::RepeatedPtrField<std::string>& list) {
  if (list.size() > kManagersNamedMax) {
    return InvalidArgument("%s: at most %d managers", key, kManagersNamedMax);
  }
  for (const std::string& text : list) STRATA_RETURN_IF_ERROR(CheckManagerAddress(key, text));
  return std::vector<std::string>(list.begin(), list.end());
}

}  // namespace strata::manager::app

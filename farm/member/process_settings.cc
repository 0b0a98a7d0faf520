#include "farm/member/process_settings.h"

namespace strata::farm {

tls::TlsPaths ToTlsPaths(const strata::settings::v1::TlsSettings& tls) {
  return {tls.authority(), tls.certificate(), tls.key(), tls.revoked()};
}

StatusOr<multicast::SocketSettings> ToSocketSettings(const strata::settings::v1::LanSettings& lan) {
  multicast::SocketSettings sockets;
  sockets.interface = lan.interface();
  sockets.loopback = lan.loopback();
  if (!lan.unicast_address().empty()) {
    STRATA_ASSIGN_OR_RETURN(sockets.address, IpAddress::Parse(lan.unicast_address()));
  }
  return sockets;
}

LogLevel ToLogLevel(strata::settings::v1::LogLevel level) {
  switch (level) {
    case strata::settings::v1::LOG_LEVEL_DEBUG:
      return LogLevel::kDebug;
    case strata::settings::v1::LOG_LEVEL_WARNING:
      return LogLevel::kWarning;
    case strata::settings::v1::LOG_LEVEL_ERROR:
      return LogLevel::kError;
    default:
      return LogLevel::kInfo;
  }
}

}  // namespace strata::farm

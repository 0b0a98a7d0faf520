#pragma once

#include "common/log.h"
#include "common/status.h"
#include "common/tls/tls_files.h"
#include "multicast/driver/socket_set.h"
#include "proto/process_settings.pb.h"

// The sections that the settings files of all of a farm's processes share
// (proto/process_settings.proto), as the types that take them. Pure.
namespace strata::farm {

tls::TlsPaths ToTlsPaths(const strata::settings::v1::TlsSettings& tls);

// Without group and port. InvalidArgument for an address that is none.
StatusOr<multicast::SocketSettings> ToSocketSettings(const strata::settings::v1::LanSettings& lan);

LogLevel ToLogLevel(strata::settings::v1::LogLevel level);

}  // namespace strata::farm

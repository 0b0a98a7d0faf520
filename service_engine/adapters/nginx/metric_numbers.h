#pragma once

#include <cstdint>

namespace strata::engine {

// What this room's series are called by SNMP.
inline constexpr uint32_t kMetricNginxDeaths = 4100;
inline constexpr uint32_t kMetricNginxReloads = 4101;
inline constexpr uint32_t kMetricOverflows = 4102;
inline constexpr uint32_t kMetricScans = 4103;
inline constexpr uint32_t kMetricFileErrors = 4104;
inline constexpr uint32_t kMetricForeignFiles = 4105;
inline constexpr uint32_t kMetricPurged = 4106;
inline constexpr uint32_t kMetricPurgeFailures = 4107;
inline constexpr uint32_t kMetricRequests = 4108;
inline constexpr uint32_t kMetricBrokenLines = 4109;
inline constexpr uint32_t kMetricLogRotations = 4110;
inline constexpr uint32_t kMetricLogDifference = 4111;
inline constexpr uint32_t kMetricNoSite = 4112;
inline constexpr uint32_t kMetricProbeFailures = 4113;
inline constexpr uint32_t kMetricHeldFiles = 4114;
inline constexpr uint32_t kMetricHeldBytes = 4115;
inline constexpr uint32_t kMetricUnwatched = 4116;
inline constexpr uint32_t kMetricOperatorLogLost = 4117;
inline constexpr uint32_t kMetricOperatorLogRotations = 4118;
inline constexpr uint32_t kMetricErrorLogRotations = 4119;
inline constexpr uint32_t kMetricNginxWedged = 4120;

}  // namespace strata::engine

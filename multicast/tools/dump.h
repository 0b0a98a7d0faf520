#pragma once

#include <functional>
#include <ostream>

#include "common/status.h"
#include "multicast/driver/socket_set.h"
#include "multicast/tools/capture_file.h"
#include "multicast/tools/dissector.h"

// The two sources of group_dump, and its last words.
namespace strata::multicast {

// All of a capture file.
Status DumpFile(CaptureFile& file, Dissector& dissector, std::ostream& out);

// What comes to both group addresses, until `stop` says so; it is asked at least each 100 ms.
// Sends nothing.
Status DumpLive(const SocketSettings& settings, Dissector& dissector, std::ostream& out,
                const std::function<bool()>& stop);

// What was decoded, and what not and why.
void WriteSummary(const Dissector& dissector, std::ostream& out);

}  // namespace strata::multicast

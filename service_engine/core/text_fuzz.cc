#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/check.h"
#include "service_engine/core/access_log.h"
#include "service_engine/core/nginx_status.h"

// What nginx writes as text: its status page, and its log, which reads the same in any pieces.

namespace {

using strata::engine::AccessLogReader;
using strata::engine::FinishedRequest;

std::string TextOf(const FinishedRequest& request) {
  std::string text;
  for (const std::string_view part : {request.site, request.entry, request.cache, request.client,
                                      request.method, request.target, request.operator_line}) {
    text.append(part).append("|");
  }
  return text + std::to_string(request.status) + "|" + std::to_string(request.bytes) + "|" +
         std::to_string(request.duration.count());
}

// What a file that grows by `piece` bytes at a time tells; the last is how many were broken.
std::vector<std::string> Lines(std::string_view text, size_t piece) {
  std::vector<std::string> lines;
  std::vector<FinishedRequest> requests;
  AccessLogReader reader;
  size_t taken = 0;
  for (size_t end = 0; end < text.size();) {
    end = std::min(end + piece, text.size());
    taken += reader.Read(text.substr(taken, end - taken), requests);
    STRATA_CHECK(taken <= end);
    for (const FinishedRequest& request : requests) lines.push_back(TextOf(request));
    requests.clear();
  }
  lines.push_back(std::to_string(reader.broken()) + " " + std::to_string(taken));
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  (void)strata::engine::ParseNginxStatus(text).ok();
  const std::vector<std::string> whole = Lines(text, text.size());
  STRATA_CHECK(whole == Lines(text, static_cast<size_t>(data[0]) + 1));
  return 0;
}

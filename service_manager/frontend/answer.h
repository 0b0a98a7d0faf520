#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/time.h"
#include "service_manager/frontend/request_head.h"
#include "service_manager/routing/decision.h"

namespace strata::manager::frontend {

// How a connection goes on after an answer, as the answer has to tell it.
struct Persistence {
  bool keep = true;
  bool http_1_0 = false;  // To such a client keeping has to be told.
};

// The answers that the front end gives by itself, as HTTP. Each appends one to `out`; `date` is the
// line of the Date field with its end.

// 302, or 307 for methods that a 302 would change, to `decision.location`.
void AppendRedirect(const routing::Decision& decision, routing::Method method,
                    std::string_view date, Persistence persistence, std::string& out);

// 204 with what a web page may do.
void AppendPreflight(const routing::Decision& decision, const RequestHead& head,
                     std::string_view date, Persistence persistence, std::string& out);

// 200 with text or JSON, as the request asks for.
void AppendExplanation(const routing::Explanation& explanation, const RequestHead& head,
                       std::string_view date, Persistence persistence, std::string& out);

struct Refusal {
  int status = 400;
  std::string_view text;   // One sentence.
  Duration retry_after{};  // Zero: nothing is said.
  routing::Cors cors = {};
  bool head_only = false;  // It answers a HEAD.
};
void AppendRefusal(const Refusal& refusal, std::string_view date, Persistence persistence,
                   std::string& out);

}  // namespace strata::manager::frontend

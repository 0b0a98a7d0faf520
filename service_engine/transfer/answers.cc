#include "service_engine/transfer/answers.h"

#include <algorithm>
#include <utility>

#include "service_engine/transfer/limits.h"

namespace strata::engine::transfer {

namespace asio = boost::asio;

asio::awaitable<bool> Say(NginxConnection& nginx, const NginxRequest& request, int status,
                          std::string reason, HttpFields more) {
  // It may quote what a client sent: only what a header line can have.
  reason.resize(std::min(reason.size(), kErrorTextMax));
  for (char& c : reason) {
    if (c < ' ' || c > '~') c = '?';
  }
  AnswerText text(status);
  text.Add("Cache-Control", "no-store").Add("X-Accel-Expires", "0");
  if (!reason.empty()) text.Add("Strata-Reason", reason);
  const std::string body = reason.empty() ? "" : reason + "\n";
  if (!body.empty()) text.Add("Content-Type", "text/plain");
  std::string answer = text.Add(more).Done(body.size());
  if (request.method != "HEAD") answer += body;
  co_return co_await nginx.Write(answer);
}

asio::awaitable<bool> LeadTo(NginxConnection& nginx, std::string_view location, HttpFields more) {
  AnswerText text(200);
  text.Add("X-Accel-Redirect", location).Add("X-Accel-Expires", "0").Add(more);
  const std::string answer = text.Done(0);
  co_return co_await nginx.Write(answer);
}

}  // namespace strata::engine::transfer

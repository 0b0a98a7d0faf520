#include "service_manager/frontend/answer.h"

#include <algorithm>

namespace strata::manager::frontend {
namespace {

constexpr std::string_view kMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

std::string_view ReasonOf(int status) {
  switch (status) {
    case 400:
      return "400 Bad Request";
    case 404:
      return "404 Not Found";
    case 429:
      return "429 Too Many Requests";
    case 431:
      return "431 Request Header Fields Too Large";
    case 501:
      return "501 Not Implemented";
    case 502:
      return "502 Bad Gateway";
    case 504:
      return "504 Gateway Timeout";
    case 505:
      return "505 HTTP Version Not Supported";
    default:
      return "503 Service Unavailable";
  }
}

void AppendPersistence(Persistence persistence, std::string& out) {
  if (!persistence.keep) {
    out += "Connection: close\r\n";
  } else if (persistence.http_1_0) {
    out += "Connection: keep-alive\r\n";
  }
}

void AppendCors(const routing::Cors& cors, std::string& out) {
  if (!cors.allow_origin.empty()) {
    out += "Access-Control-Allow-Origin: ";
    out += cors.allow_origin;
    out += "\r\n";
  }
  if (cors.vary) out += "Vary: Origin\r\n";
}

void AppendBody(std::string_view type, std::string_view body, bool head_only, std::string& out) {
  out += "Content-Type: ";
  out += type;
  out += "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  if (!head_only) out += body;
}

}  // namespace

void AppendRedirect(const routing::Decision& decision, routing::Method method,
                    std::string_view date, Persistence persistence, std::string& out) {
  const bool plain = method == routing::Method::kGet || method == routing::Method::kHead;
  out += plain ? "HTTP/1.1 302 Found\r\n" : "HTTP/1.1 307 Temporary Redirect\r\n";
  out += date;
  out += "Location: ";
  out += decision.location;
  out += "\r\nCache-Control: no-store\r\nContent-Length: 0\r\n";
  AppendCors(decision.cors, out);
  AppendPersistence(persistence, out);
  out += "\r\n";
}

void AppendPreflight(const routing::Decision& decision, const RequestHead& head,
                     std::string_view date, Persistence persistence, std::string& out) {
  out += "HTTP/1.1 204 No Content\r\n";
  out += date;
  out += "Allow: ";
  out += kMethods;
  out += "\r\n";
  AppendCors(decision.cors, out);
  if (!decision.cors.allow_origin.empty()) {
    out += "Access-Control-Allow-Methods: ";
    out += kMethods;
    out += "\r\nAccess-Control-Max-Age: 600\r\n";
    if (!head.cors_headers.empty()) {
      out += "Access-Control-Allow-Headers: ";
      out += head.cors_headers;
      out += "\r\n";
    }
  }
  AppendPersistence(persistence, out);
  out += "\r\n";
}

void AppendExplanation(const routing::Explanation& explanation, const RequestHead& head,
                       std::string_view date, Persistence persistence, std::string& out) {
  const bool json = head.accept.find("application/json") != std::string_view::npos;
  out += "HTTP/1.1 200 OK\r\n";
  out += date;
  out += "Cache-Control: no-store\r\n";
  AppendPersistence(persistence, out);
  AppendBody(json ? "application/json" : "text/plain; charset=utf-8",
             json ? AsJson(explanation) : AsText(explanation),
             head.method == routing::Method::kHead, out);
}

void AppendRefusal(const Refusal& refusal, std::string_view date, Persistence persistence,
                   std::string& out) {
  out += "HTTP/1.1 ";
  out += ReasonOf(refusal.status);
  out += "\r\n";
  out += date;
  if (refusal.retry_after > Duration::zero()) {
    // Whole seconds, rounded up.
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(refusal.retry_after).count();
    out += "Retry-After: " + std::to_string(seconds) + "\r\n";
  }
  out += "Cache-Control: no-store\r\n";
  AppendCors(refusal.cors, out);
  AppendPersistence(persistence, out);
  AppendBody("text/plain; charset=utf-8", std::string(refusal.text) + "\n", refusal.head_only, out);
}

}  // namespace strata::manager::frontend

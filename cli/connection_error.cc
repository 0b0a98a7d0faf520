#include "cli/connection_error.h"

#include <initializer_list>
#include <string_view>

#include "common/quantity.h"

namespace strata::cli {
namespace {

bool HasOneOf(const std::string& text, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) {
    if (text.find(part) != std::string::npos) return true;
  }
  return false;
}

// What our own check of the manager's certificate said, which gRPC wraps into words of its own.
std::string OwnVerdict(const std::string& message) {
  const size_t begin = message.find("the certificate ");
  if (begin == std::string::npos) return "";
  return message.substr(begin, message.find_first_of("\";", begin) - begin);
}

// Words that gRPC has where no manager answered; a manager's own say what he cannot do, and why.
bool IsOfGrpc(const std::string& message) {
  return message.empty() ||
         HasOneOf(message, {"failed to connect", "connections to all backends",
                            "UNKNOWN:", "empty address list", "Stream removed", "recvmsg",
                            "sendmsg", "Endpoint read failed", "Channel", "channel"});
}

Status ExplainUnreachable(const std::string& message, const std::string& at,
                          const ManagerOptions& options) {
  const char* address = at.c_str();
  if (const std::string verdict = OwnVerdict(message); !verdict.empty()) {
    return MakeStatus(StatusCode::kUnauthenticated,
                      "what answers at " + at + " is no manager to be trusted: " + verdict);
  }
  if (HasOneOf(message, {"CERTIFICATE_VERIFY_FAILED", "certificate verify failed"})) {
    return MakeStatus(StatusCode::kUnauthenticated,
                      "the certificate of " + at + " does not come from the authority in " +
                          options.paths.authority + ": is that the authority of this manager?");
  }
  if (HasOneOf(message, {"Connection refused"})) {
    return Unavailable("nothing listens at %s: is the manager running, and is this its address?",
                       address);
  }
  if (HasOneOf(message, {"DNS resolution", "resolution failed", "Domain name not found"})) {
    return Unavailable("the host of %s is not known: is its name spelt right?", address);
  }
  if (HasOneOf(message, {"WRONG_VERSION_NUMBER", "wrong version number",
                         "Trying to connect an http1.x server"})) {
    return Unavailable(
        "what answers at %s does not speak the managers' protocol: is this the "
        "right port?",
        address);
  }
  if (HasOneOf(message, {"alert", "Socket closed", "Connection reset", "Broken pipe", "GOAWAY"})) {
    return Unavailable(
        "%s ended the connection: does it accept the certificate in %s, or is it just stopping?",
        address, options.paths.certificate.c_str());
  }
  if (!IsOfGrpc(message)) return Unavailable("%s", message.c_str());
  return Unavailable("no manager answers at %s: %s", address, message.c_str());
}

}  // namespace

Status ExplainCallError(StatusCode code, const std::string& message, const std::string& address,
                        const ManagerOptions& options) {
  switch (code) {
    case StatusCode::kOk:
      return Ok();
    case StatusCode::kUnavailable:
      return ExplainUnreachable(message, address, options);
    case StatusCode::kDeadlineExceeded:
      if (message != "Deadline Exceeded") return MakeStatus(code, message);
      return DeadlineExceeded("the manager at %s did not answer within %s; --timeout allows more",
                              address.c_str(), FormatDuration(options.timeout).c_str());
    case StatusCode::kUnimplemented:
      return Unimplemented("the manager at %s does not know this request: it is of another version",
                           address.c_str());
    case StatusCode::kPermissionDenied:
      return MakeStatus(code, message.empty() ? "the manager does not permit this" : message);
    default:
      return MakeStatus(code, message.empty() ? "the manager gave no reason" : message);
  }
}

bool MayHaveArrived(const std::string& message) {
  return HasOneOf(message, {"Socket closed", "Connection reset", "Broken pipe", "GOAWAY",
                            "Stream removed", "recvmsg", "sendmsg", "Endpoint read failed"});
}

Status ExplainAllFailed(const std::vector<ManagerFailure>& failures) {
  if (failures.size() == 1) return failures.front().status;
  StatusCode code = failures.front().status.code();
  std::string all = "none of the managers can answer";
  for (const ManagerFailure& failure : failures) {
    if (failure.status.code() != code) code = StatusCode::kUnavailable;
    all += "\n" + failure.address + ": " + MessageOf(failure.status);
  }
  return MakeStatus(code, all);
}

}  // namespace strata::cli

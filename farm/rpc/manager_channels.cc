#include "farm/rpc/manager_channels.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/tls/grpc_credentials.h"

namespace strata::farm::rpc {
namespace {

constexpr std::chrono::seconds kCallLimit(5);

Status FromGrpc(const grpc::Status& status) {
  return MakeStatus(static_cast<StatusCode>(status.error_code()), status.error_message());
}

bool Has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

StatusOr<std::vector<multicast::GroupKey>> KeysOf(
    const google::protobuf::RepeatedPtrField<v1::GroupKey>& sent) {
  std::vector<multicast::GroupKey> keys;
  for (const v1::GroupKey& key : sent) {
    if (key.id() > UINT8_MAX) return Internal("the manager sent a key with the id %u", key.id());
    keys.push_back({static_cast<uint8_t>(key.id()), Bytes(key.key().begin(), key.key().end())});
  }
  return keys;
}

StatusOr<GroupPlace> CheckedPlace(uint64_t group_id, const std::string& address, uint32_t port,
                                  int64_t detection_timeout_ns,
                                  const google::protobuf::RepeatedPtrField<std::string>& seeds) {
  GroupPlace place;
  place.group_id = group_id;
  STRATA_ASSIGN_OR_RETURN(place.address, IpAddress::Parse(address));
  place.port = static_cast<uint16_t>(port);
  place.detection_timeout = Duration(detection_timeout_ns);
  if (place.detection_timeout <= Duration::zero()) {
    return Internal("the manager told no detection timeout");
  }
  for (const std::string& text : seeds) {
    STRATA_ASSIGN_OR_RETURN(const Endpoint seed, Endpoint::Parse(text));
    place.seeds.push_back(seed);
  }
  return place;
}

void LearnManagers(const std::vector<std::string>& learned, std::vector<std::string>& known) {
  for (const std::string& manager : learned) {
    const bool old = std::find(known.begin(), known.end(), manager) != known.end();
    if (old || manager.empty() || manager.size() > kManagerBytesMax) continue;
    if (known.size() >= kManagersMax) return;
    known.push_back(manager);
  }
}

ManagerChannels::ManagerChannels(std::string who, std::vector<std::string> managers,
                                 std::shared_ptr<const tls::TlsStore> tls)
    : who_(std::move(who)), managers_(std::move(managers)), tls_(std::move(tls)) {
  AddLinks();
}

void ManagerChannels::AddLinks() {
  while (links_.size() < managers_.size()) {
    links_.push_back({.channel = tls::ManagerChannel(managers_[links_.size()], tls_)});
  }
}

// Why this side broke off the handshake with a manager, in words for people; empty if it was
// something else. gRPC has no code for it, only words.
std::string ManagerChannels::WhyNotBelieved(const std::string& words) const {
  // What our own check of its certificate said.
  if (const size_t verdict = words.find("the certificate "); verdict != std::string::npos) {
    return "it is not to be believed: " +
           words.substr(verdict, words.find_first_of("\";", verdict) - verdict);
  }
  if (Has(words, "certificate verify failed") || Has(words, "CERTIFICATE_VERIFY_FAILED")) {
    return "its certificate is not of the authority in this " + who_ +
           "'s settings (tls.authority), or not of this time: " + who_ +
           "s and managers need certificates of one authority";
  }
  return "";
}

// The same for everything else: a manager that does not believe us just hangs up.
std::string ManagerChannels::Explain(const std::string& words) const {
  for (const char* sign : {"alert", "Socket closed", "Connection reset", "Broken pipe"}) {
    if (!Has(words, sign)) continue;
    return "it ended the connection: does it accept this " + who_ +
           "'s certificate, or is it stopping? Its log tells (" + words + ")";
  }
  return words;
}

Status ManagerChannels::Call(When when, const Method& call) {
  Status last = Unavailable("no manager is configured");
  size_t strangers = 0;
  for (size_t i = 0; i < managers_.size(); ++i) {
    const Outcome outcome = CallOne(at_, kCallLimit, call);
    last = outcome.status;
    if (outcome.answered) return last;
    if (outcome.stranger) ++strangers;
    at_ = (at_ + 1) % managers_.size();
  }
  // One that cannot be reached now may be believed later.
  if (when == When::kLater || strangers == 0 || strangers < managers_.size()) return last;
  return MakeStatus(StatusCode::kUnauthenticated, MessageOf(last));
}

ManagerChannels::Outcome ManagerChannels::CallOne(size_t manager, Duration limit,
                                                  const Method& call) {
  Link& link = links_[manager];
  v1::Registration::Stub stub(link.channel.Get());
  grpc::ClientContext context;
  limit = std::min(limit, link.patience);
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::duration_cast<std::chrono::system_clock::duration>(limit));
  // Not another manager's turn: the process is to end.
  if (!Begin(context)) return {Unavailable("this process is ending"), true, false};
  Status status = FromGrpc(call(stub, context));
  End();
  const bool answered =
      status.code() != StatusCode::kUnavailable && status.code() != StatusCode::kDeadlineExceeded;
  const Status believed = answered ? tls::CheckManager(*context.auth_context(), *tls_) : Ok();
  if (answered && believed.ok()) {
    link.patience = Duration::max();
    return {status, true, false};
  }
  if (!believed.ok()) {
    status = Unavailable("%s", MessageOf(believed).c_str());
    link.channel.Drop();  // A new one may show a new certificate.
  }
  NoteFailure(link, context, status.code());
  const std::string reason = WhyNotBelieved(MessageOf(status));
  return {MakeStatus(status.code(), "manager " + managers_[manager] + ": " +
                                        (reason.empty() ? Explain(MessageOf(status)) : reason)),
          false, !reason.empty()};
}

void ManagerChannels::NoteFailure(Link& link, const grpc::ClientContext& context, StatusCode code) {
  const bool connected = tls::WasConnected(context);
  const bool late = code == StatusCode::kDeadlineExceeded;
  const bool silent = !connected && late;
  link.patience = connected ? Duration::max()
                  : silent  ? kSilentLimit
                            : std::min(link.patience, kConnectLimit);
  link.channel.OnFailure(connected, late);
}

void ManagerChannels::Learn(const std::vector<std::string>& managers) {
  LearnManagers(managers, managers_);
  AddLinks();
}

void ManagerChannels::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  if (current_ != nullptr) current_->TryCancel();
}

bool ManagerChannels::Begin(grpc::ClientContext& context) {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return false;
  current_ = &context;
  return true;
}

void ManagerChannels::End() {
  absl::MutexLock lock(&mutex_);
  current_ = nullptr;
}

}  // namespace strata::farm::rpc

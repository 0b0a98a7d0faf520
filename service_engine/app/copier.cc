#include "service_engine/app/copier.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
#include "farm/content_identity.h"
#include "multicast/driver/clock.h"
#include "service_engine/core/library_path.h"

namespace strata::engine::app {
namespace {

constexpr Duration kLibraryPoll = std::chrono::milliseconds(100);
constexpr Duration kPaceLeast = std::chrono::milliseconds(5);  // Shorter sleeps are not worth it.

const Logger& Log() {
  static const Logger logger("copier");
  return logger;
}

// Where this process reaches what listens there.
Endpoint Reachable(Endpoint endpoint) {
  if (!endpoint.ip.IsUnspecified()) return endpoint;
  endpoint.ip = *IpAddress::Parse(endpoint.ip.IsV4() ? "127.0.0.1" : "::1");
  return endpoint;
}

}  // namespace

Copier::Copier(Options options, farm::FarmMember& member, NginxAdapter& adapter,
               ContentKeeper& keeper, Exchange exchange, MetricRegistry& metrics)
    : options_(std::move(options)),
      member_(member),
      adapter_(adapter),
      keeper_(keeper),
      exchange_(std::move(exchange)),
      copies_(metrics.AddCounter({.name = "strata_engine_copies_total",
                                  .help = "Contents that were copied here from engines that are "
                                          "drained."})),
      bytes_(metrics.AddCounter({.name = "strata_engine_copied_bytes_total",
                                 .help = "Bytes that were fetched to copy contents from engines "
                                         "that are drained."})),
      sums_(metrics.AddCounter({.name = "strata_engine_copies_prepared_total",
                                .help = "Contents that were summed here, to be copied by "
                                        "others."})),
      failures_(metrics.AddCounter({.name = "strata_engine_copy_failures_total",
                                    .help = "Contents that could not be copied or summed; each is "
                                            "tried again."})),
      mismatches_(metrics.AddCounter({.name = "strata_engine_copy_mismatches_total",
                                      .help = "Copies that were dropped, since their bytes were "
                                              "others than those that were summed."})),
      thread_([this] { Loop(); }) {}

Copier::~Copier() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  thread_.join();
}

bool Copier::stopped() const {
  absl::MutexLock lock(&mutex_);
  return stop_;
}

bool Copier::Sleep(Duration time) {
  absl::MutexLock lock(&mutex_);
  return !mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(time));
}

// Of a life before that ended in the middle.
void Copier::RemoveRemains() const {
  std::error_code error;
  for (std::filesystem::directory_iterator it(options_.library_folder, error), end;
       !error && it != end; it.increment(error)) {
    transfer::LibraryCopy::RemoveRemains(it->path().string());
  }
}

void Copier::Loop() {
  RemoveRemains();
  bool worked = false;
  while (worked ? !stopped() : Sleep(options_.ask_every)) {
    worked = false;
    bool self = false;
    if (!Drains(self)) continue;
    const StatusOr<rpc::CopyWork> work = exchange_(Report());
    const std::string why = work.ok() ? "" : MessageOf(work.status());
    if (std::exchange(complaint_, why) != why && !why.empty()) {
      Log().Warning("no manager says what is to be copied", {{"error", why}});
    }
    // What it does not understand it will not understand the next time.
    if (!work.ok() && work.status().code() != StatusCode::kInvalidArgument) continue;
    prepared_.clear();
    done_.clear();
    if (!work.ok()) continue;
    Do(*work);
    worked = !prepared_.empty() || !done_.empty();
  }
}

bool Copier::Drains(bool& self) const {
  bool any = false;
  member_.Read([&](const farm::TableReplica& replica) {
    for (const auto& [id, row] : replica.table().rows()) {
      any = any || row.draining;
      if (id == options_.self) self = row.draining;
    }
  });
  return any;
}

rpc::CopyReport Copier::Report() const {
  rpc::CopyReport report;
  bool self = false;
  (void)Drains(self);
  const StatusOr<uint64_t> free = transfer::LibraryCopy::FreeBytes(options_.library_folder);
  report.takes = !self && keeper_.open() && adapter_.ScanComplete() && free.ok();
  report.free_bytes = free.ok() ? *free : 0;
  report.prepared = prepared_;
  report.done = done_;
  return report;
}

void Copier::Do(const rpc::CopyWork& work) {
  for (const farm::ContentKey& key : work.prepare) {
    if (stopped()) return;
    prepared_.push_back(Prepare(key));
  }
  for (const rpc::CopyOrder& order : work.copies) {
    if (stopped()) return;
    const Status copied = Copy(order);
    if (copied.ok()) {
      copies_.Add();
    } else {
      failures_.Add();
      Log().Warning("a content was not copied", {{"uri", order.uri}, {"why", MessageOf(copied)}});
    }
    done_.push_back({order.key, copied.ok() ? "" : MessageOf(copied)});
  }
}

StatusOr<Copier::Named> Copier::NameOf(const std::string& uri) const {
  STRATA_ASSIGN_OR_RETURN(const farm::UriParts parts, farm::SplitUri(uri));
  Named named{std::string(parts.host), std::string(parts.target), ""};
  member_.Read([&](const farm::TableReplica& replica) {
    const farm::Site* site = replica.ledger().sites().FindByHost(named.host);
    if (site != nullptr) named.site = site->name;
  });
  if (named.site.empty()) return NotFound("no site has the host %s", named.host.c_str());
  return named;
}

// ---- This engine is drained.

rpc::PreparedCopy Copier::Prepare(const farm::ContentKey& key) {
  rpc::PreparedCopy copy;
  copy.key = key;
  const Status summed = Sum(copy);
  if (summed.ok()) {
    sums_.Add();
  } else {
    failures_.Add();
    copy.problem = MessageOf(summed);
  }
  return copy;
}

Status Copier::Sum(rpc::PreparedCopy& copy) {
  const std::optional<farm::Asset> asset = adapter_.Find(copy.key);
  const std::optional<std::string> uri = adapter_.UriOf(copy.key);
  if (!asset || !uri) return NotFound("it is not here any more");
  STRATA_ASSIGN_OR_RETURN(const Named named, NameOf(*uri));
  // Nobody could keep it: it is not read in vain.
  STRATA_RETURN_IF_ERROR(LibraryPathOf(named.target).status());
  copy.uri = *uri;
  copy.purge_position = keeper_.PurgedUpTo(named.site);  // Before it is read.
  transfer::PeerFetch fetch;
  fetch.peer = Reachable(options_.own_peers.front());
  fetch.host = named.host;
  fetch.target = named.target;
  fetch.bytes_max = asset->size;
  STRATA_ASSIGN_OR_RETURN(const transfer::PeerBody body,
                          transfer::FetchFromPeer(
                              fetch, [](ByteSpan) { return Ok(); }, [this] { return stopped(); }));
  copy.size = body.bytes;
  copy.sha256 = body.sha256;
  return Ok();
}

// ---- Another one is.

Status Copier::Copy(const rpc::CopyOrder& order) {
  STRATA_ASSIGN_OR_RETURN(const Named named, NameOf(order.uri));
  if (farm::KeyOf(order.uri) != order.key) return InvalidArgument("its URI is not that of its key");
  STRATA_ASSIGN_OR_RETURN(const std::string path, LibraryPathOf(named.target));
  STRATA_RETURN_IF_ERROR(OpenLibrary(named.site));
  const std::string folder = options_.library_folder + "/" + named.site;
  STRATA_ASSIGN_OR_RETURN(const uint64_t free, transfer::LibraryCopy::FreeBytes(folder));
  if (free < order.size) return ResourceExhausted("the disk of the library has no room for it");
  STRATA_ASSIGN_OR_RETURN(const std::unique_ptr<transfer::LibraryCopy> file,
                          transfer::LibraryCopy::Begin(folder, path, ToString(order.key)));
  STRATA_RETURN_IF_ERROR(Fetch(order, named, *file));
  return keeper_.Publish({named.site, order.key, order.purge_position},
                         [&] { return file->Publish(); });
}

Status Copier::Fetch(const rpc::CopyOrder& order, const Named& named, transfer::LibraryCopy& file) {
  transfer::PeerFetch fetch;
  STRATA_ASSIGN_OR_RETURN(fetch.peer, PeerOf(order.source));
  fetch.host = named.host;
  fetch.target = named.target;
  fetch.bytes_max = order.size;
  const Timestamp since = multicast::Now();
  uint64_t bytes = 0;
  const auto take = [&](ByteSpan piece) {
    bytes += piece.size();
    bytes_.Add(piece.size());
    STRATA_RETURN_IF_ERROR(file.Append(piece));
    Pace(bytes, since);
    return Ok();
  };
  const StatusOr<transfer::PeerBody> body =
      transfer::FetchFromPeer(fetch, take, [this] { return stopped(); });
  if (!body.ok()) return body.status();
  if (body->bytes != order.size || body->sha256 != order.sha256) {
    mismatches_.Add();
    return MakeStatus(StatusCode::kDataLoss,
                      "other bytes came than those that the drained engine had summed");
  }
  return file.Finish(body->last_modified);
}

void Copier::Pace(uint64_t bytes, Timestamp since) {
  if (options_.bytes_per_second == 0) return;
  const double due = static_cast<double>(bytes) / static_cast<double>(options_.bytes_per_second);
  const auto ahead = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(due)) -
                     (multicast::Now() - since);
  if (ahead > kPaceLeast) (void)Sleep(ahead);
}

StatusOr<Endpoint> Copier::PeerOf(farm::EngineId engine) const {
  std::optional<Endpoint> found;
  member_.Read([&](const farm::TableReplica& replica) {
    const farm::Row* row = replica.table().Find(engine);
    if (row != nullptr && !row->engine.peers.empty()) found = row->engine.peers.front();
  });
  if (!found) return NotFound("the drained engine is not there");
  return *found;
}

Status Copier::OpenLibrary(const std::string& site) {
  if (adapter_.ServesLibrary(site)) return Ok();
  const std::string folder = options_.library_folder + "/" + site;
  if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
    return Unavailable("make %s: %s", folder.c_str(), std::strerror(errno));
  }
  const Timestamp limit = multicast::Now() + options_.library_limit;
  while (!adapter_.ServesLibrary(site)) {
    if (multicast::Now() >= limit) return DeadlineExceeded("nginx does not serve the new library");
    if (!Sleep(kLibraryPoll)) return MakeStatus(StatusCode::kAborted, "this engine is ending");
  }
  return Ok();
}

}  // namespace strata::engine::app

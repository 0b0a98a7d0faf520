#include "service_manager/address/address_keeper.h"

#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
#include "multicast/driver/clock.h"

namespace strata::manager::address {
namespace {

const Logger& Log() {
  static const Logger logger("address");
  return logger;
}

std::string TextOf(const std::vector<IpAddress>& addresses) {
  std::string text;
  for (const IpAddress& address : addresses) {
    text += (text.empty() ? "" : ", ") + ToString(address);
  }
  return text;
}

}  // namespace

struct AddressKeeper::Instruments {
  explicit Instruments(MetricRegistry& registry)
      : configured(registry.AddGauge({.name = "strata_address_configured",
                                      .help = "Floating addresses in this process's settings."})),
        held(registry.AddGauge({.name = "strata_address_held",
                                .help = "Floating addresses that this process holds."})),
        takes(registry.AddCounter({.name = "strata_address_takes_total",
                                   .help = "Times that this process took the floating "
                                           "addresses."})),
        lost(registry.AddCounter({.name = "strata_address_late_renewals_total",
                                  .help = "Renewals of the floating addresses that came so late "
                                          "that the kernel may have removed them."})),
        drops(registry.AddCounter({.name = "strata_address_drops_total",
                                   .help = "Times that this process dropped the floating "
                                           "addresses."})),
        announcements(registry.AddCounter({.name = "strata_address_announcements_total",
                                           .help = "Packets that told the LAN where the floating "
                                                   "addresses are."})),
        failures(registry.AddCounter({.name = "strata_address_failures_total",
                                      .help = "Times that the floating addresses could not be "
                                              "put, removed or announced."})) {}

  Gauge& configured;
  Gauge& held;
  Counter& takes;
  Counter& lost;
  Counter& drops;
  Counter& announcements;
  Counter& failures;
};

AddressKeeper::AddressKeeper(std::unique_ptr<FloatingAddresses> addresses, Callbacks callbacks,
                             MetricRegistry& metrics)
    : addresses_(std::move(addresses)),
      callbacks_(std::move(callbacks)),
      instruments_(std::make_unique<Instruments>(metrics)),
      plan_(addresses_->options().lifetime) {}

StatusOr<std::unique_ptr<AddressKeeper>> AddressKeeper::Start(FloatingAddressOptions options,
                                                              Callbacks callbacks,
                                                              MetricRegistry& metrics) {
  STRATA_ASSIGN_OR_RETURN(auto addresses, FloatingAddresses::Open(std::move(options)));
  auto keeper = std::unique_ptr<AddressKeeper>(
      new AddressKeeper(std::move(addresses), std::move(callbacks), metrics));
  const std::vector<IpAddress>& all = keeper->addresses_->options().addresses;
  keeper->instruments_->configured.Set(static_cast<double>(all.size()));
  if (!all.empty()) keeper->thread_ = std::thread([self = keeper.get()] { self->Loop(); });
  return keeper;
}

AddressKeeper::~AddressKeeper() {
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  thread_.join();
}

bool AddressKeeper::AwaitDropped(Duration limit) const {
  absl::MutexLock lock(&mutex_);
  const auto dropped = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !held_; };
  return mutex_.AwaitWithTimeout(absl::Condition(&dropped), absl::FromChrono(limit));
}

std::string AddressKeeper::state() const {
  const FloatingAddressOptions& options = addresses_->options();
  if (options.addresses.empty()) return "none";
  absl::MutexLock lock(&mutex_);
  return TextOf(options.addresses) + " on " + options.interface + ": " + state_;
}

// ---- The keeper's thread.

void AddressKeeper::Loop() {
  do {
    Step();
  } while (Sleep());
  const Status removed = addresses_->Remove();
  if (plan_.held()) Note(HoldPlan::Change::kDrop, removed);
}

bool AddressKeeper::Sleep() {
  absl::MutexLock lock(&mutex_);
  return !mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(kAskEvery));
}

void AddressKeeper::Step() {
  const HoldPlan::Step step = plan_.Next(callbacks_.claim(), multicast::Now());
  if (std::exchange(welcome_, step.welcome) != step.welcome && callbacks_.on_welcome) {
    callbacks_.on_welcome(step.welcome);
  }
  if (step.change != HoldPlan::Change::kNone) {
    const Status done = Do(step.change);
    if (!done.ok()) plan_.Failed();
    Note(step.change, done);
    if (!done.ok()) return;
  }
  if (step.announce) Announce();
}

Status AddressKeeper::Do(HoldPlan::Change change) {
  return change == HoldPlan::Change::kDrop ? addresses_->Remove() : addresses_->Put();
}

void AddressKeeper::Announce() {
  const StatusOr<int> sent = addresses_->Announce();
  if (sent.ok()) {
    instruments_->announcements.Add(static_cast<uint64_t>(*sent));
    return;
  }
  instruments_->failures.Add();
  const std::string error = MessageOf(sent.status());
  if (std::exchange(last_error_, error) != error) Log().Error(error);
}

void AddressKeeper::Note(HoldPlan::Change change, const Status& done) {
  const std::string addresses = TextOf(addresses_->options().addresses);
  const std::string error = MessageOf(done);
  const bool again = std::exchange(last_error_, error) == error;
  const bool held = done.ok() && change != HoldPlan::Change::kDrop;
  const size_t count = addresses_->options().addresses.size();
  instruments_->held.Set(held ? static_cast<double>(count) : 0);
  {
    absl::MutexLock lock(&mutex_);
    state_ = !done.ok() ? error : held ? "held" : "not held";
    held_ = held;
  }
  if (!done.ok()) {
    instruments_->failures.Add();
    if (!again) Log().Error("floating addresses", {{"error", error}});
    return;
  }
  switch (change) {
    case HoldPlan::Change::kTake:
      instruments_->takes.Add();
      Log().Info("floating addresses taken", {{"addresses", addresses}});
      break;
    case HoldPlan::Change::kRetake:
      instruments_->lost.Add();
      Log().Warning("floating addresses were renewed late", {{"addresses", addresses}});
      break;
    case HoldPlan::Change::kDrop:
      instruments_->drops.Add();
      Log().Info("floating addresses dropped", {{"addresses", addresses}});
      break;
    case HoldPlan::Change::kRenew:
    case HoldPlan::Change::kNone:
      break;
  }
}

}  // namespace strata::manager::address

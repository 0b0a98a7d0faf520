#include "service_manager/routing/scope_load.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/check.h"
#include "common/field_codec.h"
#include "common/tls/identity.h"
#include "farm/weighted_draw.h"
#include "service_manager/routing/limits.h"
#include "service_manager/routing/routing_snapshot.h"

namespace strata::manager::routing {
namespace {

constexpr uint8_t kReportVersion = 1;
constexpr double kLoadUnit = 0x1p16;
// An empty name, and the fixed fields around it.
constexpr size_t kScopeBytesMin = 31;
constexpr size_t kImpairedBytesMin = 3;

// What peers add up does not wrap.
template <class Number>
Number Sum(Number a, Number b) {
  Number sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? static_cast<Number>(-1) : sum;
}

void PutLoadFactor(double value, FieldAppender& out) {
  const double bounded = std::clamp(value, 0.0, UINT32_MAX / kLoadUnit);
  out.U32(static_cast<uint32_t>(std::llround(bounded * kLoadUnit)));
}

double TakeLoadFactor(FieldReader& in, const char* field) { return in.U32(field) / kLoadUnit; }

void Put(const ScopeReport& report, FieldAppender& out) {
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(report.age);
  out.Text(report.scope);
  out.U32(static_cast<uint32_t>(std::clamp<int64_t>(age.count(), 0, UINT32_MAX)));
  out.U32(report.load.engines);
  out.U32(report.load.overloaded);
  out.U64(report.load.free_bandwidth);
  PutLoadFactor(report.load.worst, out);
  PutLoadFactor(report.load.mean, out);
  out.U16(static_cast<uint16_t>(report.impaired.size()));
  for (const ImpairedEngine& engine : report.impaired) {
    out.Text(engine.name);
    out.U8(static_cast<uint8_t>(engine.status));
    out.U8(engine.overloaded ? 1 : 0);
  }
}

ScopeLoad TakeLoad(FieldReader& in) {
  ScopeLoad load;
  load.engines = in.U32("engines");
  load.overloaded = in.U32("overloaded");
  load.free_bandwidth = in.U64("free_bandwidth");
  load.worst = TakeLoadFactor(in, "worst");
  load.mean = TakeLoadFactor(in, "mean");
  if (load.overloaded > load.engines) in.Fail("overloaded", "is above the number of engines");
  if (load.mean > load.worst) in.Fail("mean", "is above the worst");
  return load;
}

ImpairedEngine TakeImpaired(FieldReader& in) {
  ImpairedEngine engine;
  engine.name = in.Text(farm::kMaxEngineName, "engine name");
  engine.status = in.Choice(farm::EngineStatus::kDown, "engine status");
  engine.overloaded = in.Bool("engine overloaded");
  return engine;
}

ScopeReport TakeReport(FieldReader& in, size_t impaired_max) {
  ScopeReport report;
  report.scope = in.Text(UINT8_MAX, "scope");
  if (in.ok() && !tls::CheckScope(report.scope).ok()) in.Fail("scope", "is no scope");
  report.age = std::chrono::milliseconds(in.U32("age"));
  report.load = TakeLoad(in);
  const size_t impaired = in.Count(in.U16("impaired"), impaired_max, kImpairedBytesMin, "impaired");
  for (size_t i = 0; i < impaired && in.ok(); ++i) report.impaired.push_back(TakeImpaired(in));
  return report;
}

}  // namespace

ScopeLoad LoadOf(std::span<const farm::EngineCard> engines) {
  ScopeLoad load;
  double sum = 0;
  double free = 0;
  bool sized = true;
  for (const farm::EngineCard& card : engines) {
    if (!card.Serves()) continue;
    ++load.engines;
    if (card.overloaded) ++load.overloaded;
    sized = sized && card.bandwidth_out > 0;
    free += static_cast<double>(card.bandwidth_out) * farm::FreeShare(card.load_factor);
    load.worst = std::max(load.worst, card.load_factor);
    sum += card.load_factor;
  }
  if (!load.Serves()) return load;
  load.mean = sum / load.engines;
  if (sized) load.free_bandwidth = static_cast<uint64_t>(std::clamp(free, 1.0, 0x1p63));
  return load;
}

ScopeLoad Merged(std::span<const ScopeLoad> parts) {
  ScopeLoad merged;
  double sum = 0;
  double weights = 0;
  bool sized = true;
  for (const ScopeLoad& part : parts) {
    if (!part.Serves()) continue;
    merged.engines = Sum(merged.engines, part.engines);
    merged.overloaded = Sum(merged.overloaded, part.overloaded);
    merged.free_bandwidth = Sum(merged.free_bandwidth, part.free_bandwidth);
    sized = sized && part.free_bandwidth > 0;
    merged.worst = std::max(merged.worst, part.worst);
    sum += part.mean * part.engines;
    weights += part.engines;
  }
  if (!merged.Serves()) return merged;
  merged.mean = std::min(sum / weights, merged.worst);  // Rounding.
  if (!sized) merged.free_bandwidth = 0;
  return merged;
}

LoadReport ReportOf(const std::string& scope, const RoutingSnapshot& farm) {
  ScopeReport report{.scope = scope, .age = {}, .load = LoadOf(farm.cards()), .impaired = {}};
  for (const farm::EngineCard& card : farm.cards()) {
    if (card.status == farm::EngineStatus::kUp && !card.overloaded) continue;
    if (report.impaired.size() == kImpairedPerReportMax) break;
    report.impaired.push_back({.name = farm.NameOf(farm.IndexOf(card.id)),
                               .status = card.status,
                               .overloaded = card.overloaded});
  }
  return {std::move(report)};
}

Bytes Encode(const LoadReport& report) {
  STRATA_CHECK(report.size() <= kScopesPerReportMax);
  Bytes bytes;
  FieldAppender out(bytes);
  out.U8(kReportVersion);
  out.U16(static_cast<uint16_t>(report.size()));
  for (const ScopeReport& scope : report) Put(scope, out);
  return bytes;
}

StatusOr<LoadReport> DecodeLoadReport(ByteSpan bytes) {
  ByteReader reader(bytes);
  FieldReader in(reader);
  if (in.U8("version") != kReportVersion) in.Fail("version", "is not 1");
  const size_t scopes = in.Count(in.U16("scopes"), kScopesPerReportMax, kScopeBytesMin, "scopes");
  LoadReport report;
  size_t impaired_left = kImpairedPerReportMax;
  for (size_t i = 0; i < scopes && in.ok(); ++i) {
    ScopeReport scope = TakeReport(in, impaired_left);
    impaired_left -= scope.impaired.size();
    if (!report.empty() && scope.scope <= report.back().scope) {
      in.Fail("scope", "is not above the one before it");
    }
    report.push_back(std::move(scope));
  }
  STRATA_RETURN_IF_ERROR(in.status());
  if (!reader.AtEnd()) return InvalidArgument("%zu bytes after a report", reader.remaining());
  return report;
}

}  // namespace strata::manager::routing

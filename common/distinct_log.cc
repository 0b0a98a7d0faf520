#include "common/distinct_log.h"

#include <utility>
#include <vector>

namespace strata {
namespace {

constexpr std::string_view kOverflowKind = "(other)";

bool IsPowerOfTen(uint64_t count) {
  while (count >= 10 && count % 10 == 0) count /= 10;
  return count == 1;
}

}  // namespace

DistinctLog::DistinctLog(Logger logger) : logger_(std::move(logger)) {}

void DistinctLog::Warning(std::string_view event, std::string_view key,
                          std::initializer_list<LogField> fields) {
  Report(LogLevel::kWarning, event, key, fields);
}

void DistinctLog::Error(std::string_view event, std::string_view key,
                        std::initializer_list<LogField> fields) {
  Report(LogLevel::kError, event, key, fields);
}

void DistinctLog::Report(LogLevel level, std::string_view event, std::string_view key,
                         std::initializer_list<LogField> fields) {
  const uint64_t count = Count(event, key);
  if (!IsPowerOfTen(count)) return;
  std::vector<LogField> all = {{"kind", key}, {"count", count}};
  all.insert(all.end(), fields.begin(), fields.end());
  logger_.Log(level, event, all);
}

uint64_t DistinctLog::Count(std::string_view event, std::string_view key) {
  std::string kind(event);
  kind.push_back('\n');
  kind += key;
  const absl::MutexLock lock(&mu_);
  if (counts_.size() >= kDistinctKindsMax && !counts_.contains(kind)) kind = kOverflowKind;
  return ++counts_[kind];
}

}  // namespace strata

#include "service_manager/frontend/rate_limiter.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>

#include "common/check.h"

namespace strata::manager::frontend {
namespace {

constexpr size_t kIpv6ClientBytes = 8;  // A /64.
constexpr double kNanos = 1e9;
constexpr double kNanosMax = 9e18;

int64_t Clamped(double nanos) { return static_cast<int64_t>(std::min(nanos, kNanosMax / 4)); }

}  // namespace

RateLimiter::RateLimiter(const RateLimit& limit, size_t clients_max, RandomSource& random)
    : seed_(random.Next()), sets_(std::bit_ceil(std::max<size_t>(1, clients_max / kWays))) {
  SetLimit(limit);
}

void RateLimiter::SetLimit(const RateLimit& limit) {
  STRATA_CHECK(limit.rate > 0 && limit.burst >= 1);
  interval_ = std::max<int64_t>(1, Clamped(kNanos / limit.rate));
  tolerance_ = Clamped(kNanos / limit.rate * (limit.burst - 1));
}

uint64_t RateLimiter::HashOf(const IpAddress& client, uint64_t seed) {
  const IpAddress plain = client.Unmapped();
  const ByteSpan bytes = plain.IsV6() ? plain.bytes().first(kIpv6ClientBytes) : plain.bytes();
  const uint64_t hash = XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
  return std::max<uint64_t>(hash, 1);
}

Duration RateLimiter::Ask(const IpAddress& client, Timestamp now) {
  const uint64_t hash = HashOf(client, seed_);
  std::array<Bucket, kWays>& set = sets_[hash & (sets_.size() - 1)];
  auto bucket = std::find_if(set.begin(), set.end(),
                             [hash](const Bucket& each) { return each.client == hash; });
  if (bucket == set.end()) {
    bucket = std::min_element(set.begin(), set.end(), [](const Bucket& a, const Bucket& b) {
      return a.client == 0 || b.client == 0 ? a.client < b.client : a.full_at < b.full_at;
    });
    *bucket = {.client = hash, .full_at = now.nanos()};
  }
  const int64_t full_at = std::max(bucket->full_at, now.nanos());
  const int64_t ahead = full_at - now.nanos();
  if (ahead > tolerance_) return Duration(ahead - tolerance_);
  bucket->full_at = full_at + interval_;
  return Duration::zero();
}

}  // namespace strata::manager::frontend

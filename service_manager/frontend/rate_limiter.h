#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/address.h"
#include "common/random.h"
#include "common/time.h"

namespace strata::manager::frontend {

struct RateLimit {
  double rate = 0;   // Requests a second, in the mean; above 0.
  double burst = 1;  // At once; at least 1.
};

// Token buckets of clients in a table of fixed size. A client is an IPv4 address or an IPv6 /64.
// Pure: time is an argument; one thread at a time.
//
// Where more clients are active than there is room for, the one of a few that has asked for the
// least is forgotten, and starts anew: nobody is limited for what others do.
class RateLimiter {
 public:
  // Room for `clients_max`, 16 bytes each. `random` makes places in the table unguessable.
  RateLimiter(const RateLimit& limit, size_t clients_max, RandomSource& random);

  // From now on this limit counts; clients keep what they have used up.
  void SetLimit(const RateLimit& limit);

  // Zero if this request may pass, and it is counted; else how long the client should wait.
  Duration Ask(const IpAddress& client, Timestamp now);

  // Which of several limiters a client belongs to, where they are spread over `count`; equal for
  // all that were made with equal random numbers.
  static uint64_t HashOf(const IpAddress& client, uint64_t seed);

 private:
  static constexpr size_t kWays = 8;  // Places that a client may have.

  // The bucket as one number: it is full again at that time (the generic cell rate algorithm).
  struct Bucket {
    uint64_t client = 0;  // A hash; 0 is nobody.
    int64_t full_at = 0;  // Nanoseconds of the caller's clock.
  };

  int64_t interval_ = 0;   // Nanoseconds a request.
  int64_t tolerance_ = 0;  // How far full_at may lie ahead.
  uint64_t seed_;
  std::vector<std::array<Bucket, kWays>> sets_;
};

}  // namespace strata::manager::frontend

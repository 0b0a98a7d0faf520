#include "service_engine/adapters/nginx/load_sampler.h"

#include <gtest/gtest.h>

namespace strata::engine {
namespace {

TEST(LoadSamplerTest, ReadsTheProcessor) {
  uint64_t busy = 0;
  uint64_t total = 0;
  ParseCpu("cpu  10 2 3 100 20 1 1 3 7 7\ncpu0 1 1 1 1 1 1 1 1 0 0\n", busy, total);
  EXPECT_EQ(busy, 20u);
  EXPECT_EQ(total, 140u);
  ParseCpu("nothing", busy, total);
  EXPECT_EQ(total, 0u);
}

TEST(LoadSamplerTest, ReadsMemory) {
  EXPECT_EQ(ParseMemoryUsed("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:    400 kB\n"),
            600u * 1024);
  EXPECT_EQ(ParseMemoryUsed(""), 0u);
}

TEST(LoadSamplerTest, AddsUpInterfaces) {
  const char* dev =
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
      "    lo:  999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0\n"
      "  eth0: 1000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0\n"
      "  eth1:   10 1 0 0 0 0 0 0   20 1 0 0 0 0 0 0\n";
  const NetworkBytes bytes = ParseNetwork(dev, {"eth0", "eth1"});
  EXPECT_EQ(bytes.in, 1010u);
  EXPECT_EQ(bytes.out, 2020u);
}

TEST(LoadSamplerTest, SamplesThisMachine) {
  const LoadSampler sampler({{IpAddress::V4(127, 0, 0, 1), 80, 0}}, "/");
  EXPECT_TRUE(sampler.interfaces().empty());
  const LoadSample sample = sampler.Sample(Timestamp(), 77, 3);
  EXPECT_EQ(sample.bytes_out, 77u);
  EXPECT_EQ(sample.active_requests, 3u);
  EXPECT_GT(sample.cpu_total, 0u);
  EXPECT_GT(sample.memory_used, 0u);
  EXPECT_GT(sample.storage_used, 0u);
}

}  // namespace
}  // namespace strata::engine

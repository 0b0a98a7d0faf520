#include "tests/bench/peers/line_protocol.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace strata::bench {
namespace {

static_assert(std::endian::native == std::endian::little);

double CpuSeconds() {
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

}  // namespace

int64_t NowNs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

uint64_t ReadNumber(const void* message) {
  uint64_t number = 0;
  std::memcpy(&number, message, kNumberBytes);
  return number;
}

void WriteNumber(void* message, uint64_t number) { std::memcpy(message, &number, kNumberBytes); }

void PrintReady() {
  std::puts("READY");
  std::fflush(stdout);
}

void PrintGo() {
  std::puts("GO");
  std::fflush(stdout);
}

void PrintSent(int64_t started, int64_t sent) {
  std::printf("S %" PRId64 " %" PRId64 " %.3f\n", started, sent, CpuSeconds());
  std::fflush(stdout);
}

void PrintLatencies(std::vector<int64_t> latencies, int64_t started) {
  const double seconds = static_cast<double>(NowNs() - started) / 1e9;
  std::sort(latencies.begin(), latencies.end());
  const size_t n = latencies.size();
  const auto us = [&](size_t i) { return n == 0 ? 0.0 : static_cast<double>(latencies[i]) / 1e3; };
  std::printf("L %zu p50us %.1f p99us %.1f maxus %.1f rate %.0f\n", n, us(n / 2), us(n * 99 / 100),
              us(n == 0 ? 0 : n - 1), static_cast<double>(n) / seconds);
  std::fflush(stdout);
}

void ReceiverReport::OnMessage(const void* message, size_t bytes) {
  const uint64_t number = ReadNumber(message);
  last_ = NowNs();
  if (messages_ == 0) {
    first_ = last_;
    if (from_any_) expected_ = number;
  }
  if (number != expected_) in_order_ = false;
  expected_ = number + 1;
  bytes_ += bytes;
  ++messages_;
}

void ReceiverReport::Print(uint64_t count) const {
  const uint64_t missing = count > messages_ ? count - messages_ : 0;
  std::printf("R %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %" PRIu64 " %d %.3f\n", bytes_,
              messages_, first_, last_, missing, in_order_ ? 1 : 0, CpuSeconds());
  std::fflush(stdout);
}

uint64_t ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    std::fprintf(stderr, "not a number: %.*s\n", static_cast<int>(text.size()), text.data());
    std::exit(2);
  }
  return number;
}

void DieWithParent() { prctl(PR_SET_PDEATHSIG, SIGKILL); }

}  // namespace strata::bench

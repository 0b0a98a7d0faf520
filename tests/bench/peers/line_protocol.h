#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

// What every program of the multicast benchmark prints, one line each, for tests/bench/run to read:
//
//   READY                                             a receiver listens
//   GO                                                a sender starts
//   R bytes messages t_first_ns t_last_ns missing ok cpu_s      a receiver has all, or gave up
//   S t0_ns t_sent_ns cpu_s                           a sender has sent all
//   L count p50us x p99us x maxus x rate x            commit latencies
//   V t_ns full_members, G t_ns gap_ns                the view; a pause between two commits
//
// Times are CLOCK_MONOTONIC. Every message starts with its number, 8 bytes little-endian.
namespace strata::bench {

inline constexpr size_t kNumberBytes = 8;
inline constexpr size_t kLatencyMessageBytes = 200;

int64_t NowNs();

// The number at the start of a message of at least kNumberBytes.
uint64_t ReadNumber(const void* message);
void WriteNumber(void* message, uint64_t number);

void PrintReady();
void PrintGo();
void PrintSent(int64_t started, int64_t sent);
void PrintLatencies(std::vector<int64_t> latencies, int64_t started);

// What a receiver got: counts, and whether the numbers came in order.
class ReceiverReport {
 public:
  // `from_any`: the first number seen is the first expected, not 0.
  explicit ReceiverReport(bool from_any = false) : from_any_(from_any) {}

  void OnMessage(const void* message, size_t bytes);
  uint64_t messages() const { return messages_; }
  // The line R; `count` messages were wanted.
  void Print(uint64_t count) const;

 private:
  bool from_any_;
  uint64_t bytes_ = 0;
  uint64_t messages_ = 0;
  uint64_t expected_ = 0;
  int64_t first_ = 0;
  int64_t last_ = 0;
  bool in_order_ = true;
};

// A command line's number; exits with a message if it is none.
uint64_t ParseNumber(std::string_view text);

// Exits if the parent goes: a benchmark that is killed leaves nothing behind.
void DieWithParent();

}  // namespace strata::bench

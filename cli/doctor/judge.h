#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/doctor/facts.h"

// What the facts mean, and what to do. Pure.

namespace strata::cli::doctor {

enum class Level : uint8_t { kOk, kWarn, kFail };
const char* ToString(Level level);  // "ok", "warn", "fail"

struct Finding {
  Level level = Level::kOk;
  std::string area;    // "clock"
  std::string found;   // What there is.
  std::string advice;  // What to do; empty where all is well.
};

// Thresholds.
inline constexpr double kSkewWarnS = 1;
inline constexpr double kSkewFailS = 60;
inline constexpr int64_t kExpiryWarnS = 14 * 24 * 3600;
inline constexpr double kFreeWarn = 0.05;  // Of a disk, and of its inodes.
inline constexpr uint64_t kFreeFailBytes = 64 << 20;
inline constexpr uint64_t kOpenFilesWarn = 16384;
inline constexpr uint64_t kOpenFilesFail = 1024;
inline constexpr uint64_t kThreadsWarn = 512;
inline constexpr uint64_t kReceiveBuffer = 8 << 20;  // What a member asks for.
inline constexpr uint64_t kSendBuffer = 4 << 20;
inline constexpr uint64_t kBacklogWarn = 1024;
inline constexpr uint32_t kMtuMin = 1280;

// In the order of the facts; at least one for each area that was looked at.
std::vector<Finding> Judge(const Facts& facts);

// judge_machine.cc
void JudgeClock(const Facts& facts, std::vector<Finding>& findings);
void JudgeFolders(const Facts& facts, std::vector<Finding>& findings);
void JudgeLimits(const Facts& facts, std::vector<Finding>& findings);
void JudgeNginx(const Facts& facts, std::vector<Finding>& findings);
// judge_network.cc
void JudgePorts(const Facts& facts, std::vector<Finding>& findings);
void JudgeManagers(const Facts& facts, std::vector<Finding>& findings);
void JudgeMulticast(const Facts& facts, std::vector<Finding>& findings);
// judge.cc
void JudgeCertificates(const Facts& facts, std::vector<Finding>& findings);

}  // namespace strata::cli::doctor

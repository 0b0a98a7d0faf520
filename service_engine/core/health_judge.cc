#include "service_engine/core/health_judge.h"

#include <cmath>

#include "common/utf8.h"

namespace strata::engine {
namespace {

// Cut to what a message holds, and without control characters: the text is somebody else's.
std::string Clean(std::string text) {
  for (char& c : text) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  text.resize(std::min(text.size(), farm::kMaxReason));
  text.resize(ValidUtf8Prefix(text));
  return text;
}

}  // namespace

void HealthJudge::Streak::On(const std::string& error, int bad_after, int good_after) {
  const bool failed = !error.empty();
  if (failed) error_ = error;
  if (failed == bad_) {
    run_ = 0;
    return;
  }
  if (++run_ < (failed ? bad_after : good_after)) return;
  bad_ = failed;
  run_ = 0;
}

void HealthJudge::OnOwnProbe(const std::string& error) {
  own_.On(error, settings_.down_after, settings_.up_after);
}

void HealthJudge::OnPeerProbe(const std::string& error) {
  peer_.On(error, settings_.down_after, settings_.up_after);
}

void HealthJudge::OnRequest(int status, Timestamp now) {
  CloseWindow(now);
  ++requests_;
  if (status >= 500) ++errors_;
}

void HealthJudge::OnDiskError(const std::string& error, Timestamp now) {
  disk_error_ = error;
  disk_bad_until_ = now + settings_.disk_error_hold;
}

void HealthJudge::CloseWindow(Timestamp now) {
  if (now - window_start_ < settings_.window) return;
  if (requests_ >= settings_.errors_least) {
    const double share = static_cast<double>(errors_) / static_cast<double>(requests_);
    failing_ = share >= (failing_ ? settings_.errors_recover : settings_.errors_degrade);
    failing_percent_ = static_cast<int>(std::lround(share * 100));
  } else if (errors_ == 0) {
    failing_ = false;  // Hardly anybody is sent here any more: let somebody try again.
  }
  requests_ = errors_ = 0;
  window_start_ = now;
}

HealthJudge::Verdict HealthJudge::Judge(Timestamp now) {
  CloseWindow(now);
  Verdict verdict;
  if (own_.bad()) {
    verdict.health = farm::Health::kDown;
    verdict.reason = Clean("probe: " + own_.error());
    return verdict;
  }
  std::string reason;
  const auto add = [&reason](const std::string& text) {
    if (!reason.empty()) reason += "; ";
    reason += text;
  };
  if (disk_full_) add("disk full");
  if (now < disk_bad_until_) add("disk: " + disk_error_);
  if (peer_.bad()) add("another member's probe: " + peer_.error());
  if (failing_) add(std::to_string(failing_percent_) + " % of the answers are 5xx");
  if (reason.empty()) return verdict;
  verdict.health = farm::Health::kDegraded;
  verdict.reason = Clean(reason);
  return verdict;
}

}  // namespace strata::engine

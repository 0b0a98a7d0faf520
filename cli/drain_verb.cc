#include <algorithm>
#include <string>

#include "cli/failure.h"
#include "cli/json.h"
#include "cli/readable.h"
#include "cli/suggestion.h"
#include "cli/text_width.h"
#include "cli/verbs.h"

namespace strata::cli {
namespace {

// In looks at the farm, about a second each.
constexpr int kStuckLooks = 10;   // Without anything under way, until it is given up.
constexpr int kQuietLooks = 3;    // Without a request, where copies do not matter.
constexpr int kSilentLooks = 60;  // Of the manager.

// Waits until an engine may be switched off, and tells how far it is.
class DrainWait {
 public:
  DrainWait(Terminal& terminal, ManagerClient& manager, const DrainOptions& options)
      : terminal_(terminal), manager_(manager), options_(options) {}

  ExitCode Run() {
    for (int looks = 0;; ++looks) {
      const Status looked = Look();
      if (!looked.ok() && (silent_ = silent_ + 1) >= kSilentLooks) return Fail(terminal_, looked);
      if (looked.ok()) {
        silent_ = 0;
        if (IsSafe()) return End(true);
        if (IsStuck()) return End(false);
        Tell();
      }
      const bool over = options_.within > Duration::zero() && Seconds(options_.within) <= looks;
      if (over || !terminal_.out.good() || !terminal_.wait || !terminal_.wait()) return End(false);
    }
  }

 private:
  Status Look() {
    const StatusOr<api::ShowFarmReply> farm = manager_.ShowFarm();
    if (!farm.ok()) return farm.status();
    const auto& rows = farm->engines();
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [&](const auto& each) { return each.name() == options_.engine; });
    if (row == rows.end()) return Unavailable("the farm has no engine %s", options_.engine.c_str());
    row_ = *row;
    const bool runs = row_.in_view() && row_.active_requests() != 0;
    quiet_ = runs ? 0 : quiet_ + 1;
    const api::Drain& drain = row_.drain();
    const bool nothing_goes = drain.in_flight() == 0 && drain.failing() == drain.contents_left();
    const bool left = drain.known() && drain.contents_left() != 0;
    stuck_ = left && (nothing_goes || !row_.in_view()) ? stuck_ + 1 : 0;
    return Ok();
  }

  bool IsSafe() const {
    return row_.drain().safe() || (options_.without_copying && quiet_ >= kQuietLooks);
  }
  bool IsStuck() const { return !options_.without_copying && stuck_ >= kStuckLooks; }

  std::string State() const {
    const api::Drain& drain = row_.drain();
    if (row_.name().empty() || !drain.known()) return "the manager does not know yet what it has";
    std::string text = Counted(drain.contents_left(), "content", "contents") + ", " +
                       ReadableBytes(drain.bytes_left()) + " to copy";
    if (drain.failing() != 0) text += ", " + ReadableCount(drain.failing()) + " cannot be copied";
    return text + "; " + Counted(row_.active_requests(), "request runs", "requests run");
  }

  // When it is another than before.
  void Tell() {
    const std::string state = State();
    if (terminal_.json || state == told_) return;
    told_ = state;
    terminal_.out << options_.engine << ": " << state << "\n";
    terminal_.out.flush();
  }

  ExitCode End(bool safe) {
    const ExitCode code = safe ? ExitCode::kOk : ExitCode::kNotComplete;
    if (terminal_.json) {
      terminal_.out << JsonOf(row_);
      return code;
    }
    const api::Drain& drain = row_.drain();
    if (drain.safe()) {
      terminal_.out << terminal_.Paint(options_.engine + " is drained: it is safe to switch off.",
                                       Colour::kGreen)
                    << "\n";
    } else if (safe) {
      terminal_.out << options_.engine << " serves nobody. "
                    << Counted(drain.contents_left(), "content that only it has is",
                               "contents that only it has are")
                    << " missing until it returns.\n";
    } else {
      TellUnsafe();
    }
    return code;
  }

  void TellUnsafe() const {
    const api::Drain& drain = row_.drain();
    terminal_.out << terminal_.Paint("NOT safe to switch off " + options_.engine + ": ",
                                     Colour::kRed)
                  << State() << ".\n";
    if (!row_.in_view() && drain.contents_left() != 0) {
      terminal_.out << "It has left the farm's group: what only it has cannot be copied until it "
                    << "returns.\n";
    }
    for (const api::DrainProblem& problem : drain.problems()) {
      terminal_.out << "  " << Printable(problem.uri().empty() ? problem.key() : problem.uri())
                    << ": " << Printable(problem.text()) << "\n";
    }
    const uint64_t told = static_cast<uint64_t>(drain.problems_size());
    if (drain.failing() > told) {
      terminal_.out << "  and " << ReadableCount(drain.failing() - told) << " more\n";
    }
    terminal_.out << "It goes on draining; \"strata engine undrain " << options_.engine
                  << "\" takes it back.\n";
  }

  Terminal& terminal_;
  ManagerClient& manager_;
  const DrainOptions& options_;
  api::EngineRow row_;
  std::string told_;
  int quiet_ = 0;  // Looks, one after the other. So below.
  int stuck_ = 0;
  int silent_ = 0;
};

}  // namespace

ExitCode DrainEngine(Terminal& terminal, ManagerClient& manager, const DrainOptions& options) {
  const Status done = manager.DrainEngine(options.engine, true);
  if (!done.ok()) return Fail(terminal, WithEngineMeant(manager, options.engine, done));
  if (options.wait || options.without_copying || options.within > Duration::zero()) {
    return DrainWait(terminal, manager, options).Run();
  }
  if (terminal.json) {
    terminal.out << JsonOf(api::DrainEngineReply());
  } else {
    terminal.out << options.engine << " is draining: it ends what it serves, gets no new clients, "
                 << "and what only it has is copied to others. \"strata engine drain "
                 << options.engine << " --wait\" says when it is safe to switch off, \"strata "
                 << "engine undrain " << options.engine << "\" takes it back.\n";
  }
  return ExitCode::kOk;
}

ExitCode UndrainEngine(Terminal& terminal, ManagerClient& manager, const std::string& engine) {
  const Status done = manager.DrainEngine(engine, false);
  if (!done.ok()) return Fail(terminal, WithEngineMeant(manager, engine, done));
  if (terminal.json) {
    terminal.out << JsonOf(api::DrainEngineReply());
  } else {
    terminal.out << engine << " gets clients again.\n";
  }
  return ExitCode::kOk;
}

}  // namespace strata::cli

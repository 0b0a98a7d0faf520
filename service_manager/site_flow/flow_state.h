#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/site.h"
#include "service_manager/control/purge_journal.h"
#include "service_manager/control/site_desk.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/site_flow/local_farm.h"
#include "service_manager/sites/news_queue.h"
#include "service_manager/sites/report_book.h"

namespace strata::manager::site_flow {

// Entries of a purge log on their way.
struct PurgeNews {
  std::string site;
  std::vector<control::PurgeEntry> entries;
};
// What a child is told next: a site, the name of one that is gone, entries of a log.
struct News {
  std::optional<control::SiteVersion> site;
  std::string removed;
  std::optional<PurgeNews> purges;
};

// What one manager knows of sites and purges in the tree, between its disk, its engines, the
// streams of its children and the one to its parent. Any thread; what waits for the disk says so.
class FlowState {
 public:
  struct Options {
    federation::ScopeLevel own;
    // Null: nobody hears of sites from above but children. Outlives this.
    LocalFarm* farm = nullptr;
    // A child has applied a site's log up to there, and it is a log of this home: true if this
    // manager's store was restored from a backup and has lost entries, and a new one says so
    // (FarmControl::OnPurgedUpTo). May wait for the disk. Null: never.
    std::function<StatusOr<bool>(const std::string& child, const std::string& site,
                                 uint64_t position)>
        on_purged_up_to;
  };

  // Both outlive it. Observes `desk`; knows nothing until Lead().
  FlowState(Options options, control::SiteDesk& desk, control::PurgeJournal& journal);
  ~FlowState();
  FlowState(const FlowState&) = delete;
  FlowState& operator=(const FlowState&) = delete;

  const federation::ScopeLevel& own() const { return options_.own; }
  control::SiteDesk& desk() { return desk_; }
  control::PurgeJournal& journal() { return journal_; }

  // This manager begins to lead: before its streams. Reads the disk. And it leads no more: after
  // its streams have ended; what it knew of those beneath is forgotten, but not who they are.
  void Lead();
  void Rest();

  // ---- What is new here. Reads the disk; nothing while it does not lead.
  // "": any site may have changed.
  void OnSiteChanged(const std::string& site);
  // Its log has another entry, durable.
  void OnPurged(const std::string& site) { OnSiteChanged(site); }
  // Engines of the own farm have said something of this site, "": of all. Quick.
  void OnEngines(const std::string& site);

  // ---- Children.
  // One that the directory knows, and that was not heard since this manager started.
  void KnowChild(const std::string& child, uint32_t level);
  void ForgetChild(const std::string& child);
  // Its stream has begun, with these sites from above; it ends. What on_purged_up_to says.
  Status EnterChild(const std::string& child, uint32_t level,
                    const std::map<std::string, sites::SiteState>& held);
  void LeaveChild(const std::string& child);
  // Waits until there may be news for it, at most for `limit`; nothing: there is none. NotFound: it
  // has no stream any more. Reads the disk.
  StatusOr<std::optional<News>> NextNews(const std::string& child, Duration limit);
  // As ReportBook::Take; InvalidArgument for what no child would tell.
  Status TakeReport(const std::string& child, const sites::RowChanges& report);

  // ---- The parent.
  // What came from above, by name.
  std::map<std::string, sites::SiteState> Held() const;
  // A new stream has begun: whoever leads this scope tells all anew.
  void BeginReports();
  // What the parent is to be told: waits for it, at most for `limit`, or until EndReports(). Empty:
  // nothing.
  sites::RowChanges NextReport(Duration limit);
  // The stream is over: nobody waits in NextReport until BeginReports().
  void EndReports();
  bool reports() const;  // Between the two.
  // Puts in what the parent, of this scope, has told; durable when it returns. InvalidArgument: it
  // is nothing that a parent may tell.
  Status TakeNews(const std::string& parent, const News& news);

  // ---- Questions.
  // The site, with its home in words; NotFound.
  StatusOr<control::SiteVersion> Find(const std::string& site) const;
  std::vector<sites::SiteRow> RowsOf(const std::string& site) const;
  std::vector<sites::ScopeRow> Scopes() const;
  // Whether a site that did not fit was refused since, and what stood in its way has changed: the
  // parent's stream has to begin anew.
  bool TakeRetry();
  bool CaughtUp(const std::string& scope) const;
  // As ReportBook has it.
  sites::ScopesOfSites Unpurged() const;
  std::vector<sites::ScopeOutcome> OutcomeOf(const std::string& site, uint64_t position) const;
  // Waits until nobody is to be waited for, at most for `limit`, or until GiveUp.
  std::vector<sites::ScopeOutcome> AwaitOutcome(const std::string& site, uint64_t position,
                                                Duration limit) const;
  void GiveUp();

 private:
  struct Entry {
    sites::SiteState state;
    std::vector<std::string> scopes;
  };
  struct Refusal {
    std::string home, problem;
  };

  void Update(const std::string& site, const control::SiteVersion* version, uint64_t position)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ShowOwn(const std::string& site) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<sites::SiteState> OfferOf(const std::string& child, const std::string& site) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  StatusOr<std::optional<News>> MakeNews(const std::string& child,
                                         const sites::NewsQueue::News& news);
  Status TakeSite(const std::string& parent, const control::SiteVersion& version);
  Status TakeRemoval(const std::string& site);
  Status TakePurges(const PurgeNews& news);
  void SetRefusal(const std::string& site, const std::optional<Refusal>& refusal);

  const Options options_;
  control::SiteDesk& desk_;
  control::PurgeJournal& journal_;

  absl::Mutex update_;  // What is read from the disk is put in, in this order. Before mutex_.
  mutable absl::Mutex mutex_;
  std::map<std::string, Entry> sites_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Refusal> refused_ ABSL_GUARDED_BY(mutex_);  // Of what came from above.
  bool retry_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, sites::NewsQueue> children_ ABSL_GUARDED_BY(mutex_);  // With a stream.
  sites::ReportBook book_ ABSL_GUARDED_BY(mutex_);
  bool leads_ ABSL_GUARDED_BY(mutex_) = false;
  bool reports_ ABSL_GUARDED_BY(mutex_) = false;  // To the parent.
  bool given_up_ ABSL_GUARDED_BY(mutex_) = false;
};

// Whether a purge is to be waited for no longer.
bool IsSettled(const std::vector<sites::ScopeOutcome>& outcomes);

}  // namespace strata::manager::site_flow

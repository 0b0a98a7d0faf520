#include "service_manager/uplink/teller.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "service_manager/uplink/told_changes.h"

namespace strata::manager::uplink {
namespace {

using directory::Holder;
using directory::Location;
using federation::CopyChange;
using federation::RangeOf;

constexpr farm::ContentKey kLastKey{UINT64_MAX, UINT64_MAX};

}  // namespace

Teller::Teller(Options options, store::Store& store, Inbox& inbox)
    : options_(std::move(options)),
      store_(store),
      inbox_(inbox),
      walk_(options_.policy, options_.own_scope),
      newest_(options_.policy),
      names_(options_.name_of),
      uris_(options_.limits.uri_waiting_max, options_.limits.without_uri_max) {}

// ---- The beginning.

// One reading of the whole store. Contents that had changed when it began count as they were before
// that; what changes from then on is not seen by the reading.
class Teller::Reading {
 public:
  explicit Reading(Teller& teller) : teller_(teller) {}

  // Behind the moment of which the store is read.
  void Begin() {
    if (std::exchange(begun_, true)) return;
    teller_.inbox_.VisitFirsts({}, kLastKey,
                               [this](const farm::ContentKey& key, const ContentChange& change) {
                                 changed_[key] = {.before = change.before, .uri = change.uri};
                               });
  }
  bool Visit(const store::ContentView& content) {
    Begin();
    if (changed_.contains(content.key)) return true;
    Copies copies;
    for (const store::StoredLocation& copy : content.locations) copies.push_back(copy.location);
    Count(content.key, content.uri, copies);
    return !teller_.inbox_.stopped();
  }
  Status CountChanged() {
    for (const auto& [key, change] : changed_) {
      if (change.before.empty()) continue;
      std::string uri = change.uri;
      if (uri.empty()) {
        STRATA_ASSIGN_OR_RETURN(const auto stored, teller_.store_.FindUri(key));
        uri = stored.value_or("");
      }
      Count(key, uri, change.before);
    }
    return Ok();
  }
  std::unique_ptr<federation::RangeDigests> Take() {
    teller_.inbox_.Want(without_);
    return std::move(digests_);
  }

 private:
  void Count(const farm::ContentKey& key, std::string_view uri, const Copies& copies) {
    if (uri.empty() && teller_.uris_.AddWithout(key)) without_.push_back(key);
    const auto projection = federation::ProjectionOf(copies, teller_.walk_.TreatmentOf(key, uri),
                                                     teller_.options_.own_scope);
    for (const Location& copy : projection) {
      if (teller_.names_.Knows(copy.holder)) {
        digests_->Add(key, teller_.names_.identity(copy.holder), copy.flags);
      } else {
        teller_.names_.NoteUntold(RangeOf(key));
      }
    }
  }

  Teller& teller_;
  bool begun_ = false;
  absl::flat_hash_map<farm::ContentKey, ContentChange> changed_;
  std::vector<farm::ContentKey> without_;
  std::unique_ptr<federation::RangeDigests> digests_ = std::make_unique<federation::RangeDigests>();
};

StatusOr<std::unique_ptr<federation::RangeDigests>> Teller::ReadAll() {
  Reading reading(*this);
  STRATA_RETURN_IF_ERROR(
      store_
          .VisitContents({}, kLastKey,
                         [&](const store::ContentView& content) { return reading.Visit(content); })
          .status());
  if (inbox_.stopped()) return Unavailable("this manager ends");
  reading.Begin();  // The store is empty.
  STRATA_RETURN_IF_ERROR(reading.CountChanged());
  STRATA_RETURN_IF_ERROR(store_.Sync());
  return reading.Take();
}

void Teller::SetLink(link::ParentLink& link) {
  link_ = &link;
  link_->With([this](federation::FeedSender& sender, Timestamp) { names_.Introduce(sender); });
}

// ---- Changes.

void Teller::Tell(ChangeGroup group, Timestamp now) {
  // What was told of those ranges without URIs is found again when they are read.
  Refresh(group.forgotten);
  uris_.RemoveWithout(group.forgotten);
  std::vector<Item> items;
  items.reserve(group.contents.size());
  for (auto& [key, change] : group.contents) {
    Item& item = items.emplace_back(Item{.key = key, .change = {}, .waits_until = {}});
    if (std::optional<UriBook::Waiting> waiting = uris_.Take(key)) {
      item.waits_until = waiting->until;
      item.change = std::move(waiting->change);
      item.change.Add(std::move(change));
    } else {
      item.change = std::move(change);
    }
  }
  TellAll(items, now);
}

void Teller::TellDue(Timestamp now) {
  std::vector<Item> items;
  while (items.size() < kToldAtOnce) {
    auto due = uris_.TakeDue(now);
    if (!due) break;
    items.push_back({.key = due->first, .change = std::move(due->second), .waits_until = now});
  }
  if (!items.empty()) TellAll(items, now);
}

void Teller::TellAll(std::vector<Item>& items, Timestamp now) {
  std::vector<farm::ContentKey> wanted;
  for (const Item& item : items) {
    if (item.change.uri.empty() || uris_.IsWithout(item.key)) wanted.push_back(item.key);
  }
  FindUris(items);
  for (Item& item : items) TellItem(item, now);
  Flush();
  const auto is_wanted = [this](const farm::ContentKey& key) {
    return uris_.Waits(key) || uris_.IsWithout(key);
  };
  std::erase_if(wanted, is_wanted);
  if (!wanted.empty()) inbox_.Unwant(wanted);
}

bool Teller::NeedsUri(const Item& item) const {
  if (!item.change.uri.empty()) return false;
  if (inbox_.looks_at_uris()) return true;
  // By other rules the own scope may be there with other flags.
  return item.change.IsTouchedThere() || !newest_->policy().rules.empty() || walks();
}

// They are wanted: whoever tells one while the store is asked is heard.
void Teller::FindUris(std::vector<Item>& items) {
  for (Item& item : items) {
    if (!NeedsUri(item)) continue;
    const auto stored = store_.FindUri(item.key);
    if (stored.ok() && stored->has_value()) {
      item.change.uri = **stored;
    } else {
      item.change.uri = inbox_.UriOf(item.key);  // As a later change told it, or kept it.
    }
  }
}

// Of new contents only: of those the parent has not heard.
bool Teller::LetWait(Item& item, Timestamp now) {
  if (!options_.uris_come_later || !uris_.HasRoom()) return false;
  const Timestamp until = item.waits_until.value_or(now + options_.limits.uri_wait);
  if (until <= now) return false;
  uris_.Wait(item.key, {.change = std::move(item.change), .until = until});
  return true;
}

void Teller::NoteWithout(const farm::ContentKey& key, bool without) {
  if (!without) {
    uris_.RemoveWithout(key);
  } else if (!uris_.IsWithout(key) && uris_.AddWithout(key)) {
    inbox_.Want({&key, 1});
    ++counts_.told_without_uri;
  }
}

void Teller::TellItem(Item& item, Timestamp now) {
  const std::string& uri = item.change.uri;
  const bool was_there = !item.change.before.empty();
  const bool is_there = !item.change.After().empty();
  const bool was_without = uris_.IsWithout(item.key);
  if (!was_there && !is_there) return;
  if (uri.empty() && !was_there && LetWait(item, now)) return;
  if (uri.empty() && was_there && !was_without && inbox_.looks_at_uris()) {
    // How it was forwarded is not known any more.
    Refresh(RangeOf(item.key));
    NoteWithout(item.key, is_there);
    return;
  }
  const Treatments treatments = {
      .before = walk_.TreatmentOf(item.key, was_without ? std::string_view() : uri),
      .after = walk_.TreatmentOf(item.key, uri)};
  const bool anew = was_without && !uri.empty();
  for (const CopyChange& change :
       ChangesToTell(item.change, treatments, options_.own_scope, anew)) {
    Say(item, change, now);
  }
  // A content that was told with its URI is not told without now: nobody looked for it.
  const bool without = is_there && uri.empty() && (was_without || !was_there);
  NoteWithout(item.key, without);
}

void Teller::Say(const Item& item, const CopyChange& change, Timestamp now) {
  Said said{.change = {.key = item.key, .holder = change.holder}, .before = change.before};
  if (change.after) {
    said.change.copy = CopyToTell(item, {change.holder, *change.after}, now);
    said.change.uri = item.change.uri;
  }
  said_.push_back(said);
}

federation::FeedCopy Teller::CopyToTell(const Item& item, const Location& copy, Timestamp now) {
  federation::FeedCopy told{.flags = copy.flags};
  if (copy.holder == options_.own_scope) {
    for (const TouchedCopy& touched : item.change.touched) {
      if (touched.after) told.size_bytes = std::max(told.size_bytes, touched.size_bytes);
    }
    return told;
  }
  if (const TouchedCopy* const touched = item.change.Find(copy.holder)) {
    told.size_bytes = touched->size_bytes;
    if (touched->remaining) {
      told.remaining = std::max(Duration::zero(), *touched->remaining - (now - touched->at));
    }
    told.validator = touched->validator;
    return told;
  }
  const auto stored = store_.FindLocation(item.key, copy.holder);
  if (!stored.ok() || !stored->has_value()) return told;
  told.size_bytes = (*stored)->size_bytes;
  told.remaining = (*stored)->remaining;
  told.validator = texts_.emplace_back((*stored)->validator);
  return told;
}

// ---- The link.

void Teller::Refresh(const federation::RangeSet& ranges) {
  if (ranges.empty()) return;
  link_->With([&](federation::FeedSender& sender, Timestamp) {
    federation::RangeSet left = ranges;
    while (const std::optional<uint32_t> range = left.NextFrom(0)) {
      left.Erase(*range);
      sender.Refresh(*range);
      ++counts_.refreshed;
    }
  });
}

void Teller::Refresh(uint32_t range) {
  federation::RangeSet one;
  one.Insert(range);
  Refresh(one);
}

void Teller::Flush() {
  for (const Said& said : said_) names_.Knows(said.change.holder);
  Refresh(names_.TakeNamed());
  for (std::span<const Said> left = said_; !left.empty();) {
    const std::span<const Said> now_told = left.first(std::min(left.size(), kToldAtOnce));
    left = left.subspan(now_told.size());
    link_->With([&](federation::FeedSender& sender, Timestamp now) {
      names_.Introduce(sender);
      for (const Said& said : now_told) {
        if (names_.Has(said.change.holder)) {
          sender.Tell(said.change, said.before, now);
          ++counts_.told;
        } else {
          names_.NoteUntold(RangeOf(said.change.key));
        }
      }
    });
  }
  said_.clear();
  texts_.clear();
}

void Teller::OnHolder(Holder holder) {
  names_.Renew(holder);
  Refresh(names_.TakeNamed());
  link_->With([this](federation::FeedSender& sender, Timestamp) { names_.Introduce(sender); });
}

Status Teller::Read(const federation::FeedRead& read, link::ParentLink::Found found) {
  STRATA_ASSIGN_OR_RETURN(const ToldContents told, ReadTold(store_, inbox_, uris_,
                                                            {.first = read.first,
                                                             .last = read.last,
                                                             .contents_max = SIZE_MAX,
                                                             .copies_max = read.items}));
  std::vector<federation::FeedItem> items;
  for (const ToldContent& content : told.contents) {
    if (content.uri.empty() && !content.copies.empty()) NoteWithout(content.key, true);
    const auto projection = federation::ProjectionOf(
        LocationsOf(content), walk_.TreatmentOf(content.key, content.uri), options_.own_scope);
    for (const Location& copy : projection) {
      if (!names_.Knows(copy.holder)) {
        names_.NoteUntold(RangeOf(content.key));
        continue;
      }
      const bool first = items.empty() || items.back().key != content.key;
      items.push_back({.key = content.key,
                       .holder = copy.holder,
                       .copy = FeedCopyOf(content, copy, options_.own_scope),
                       .uri = first ? std::string_view(content.uri) : std::string_view()});
    }
  }
  Refresh(names_.TakeNamed());
  link_->With([this](federation::FeedSender& sender, Timestamp) { names_.Introduce(sender); });
  std::erase_if(items,
                [this](const federation::FeedItem& item) { return !names_.Has(item.holder); });
  found({.last = told.last, .items = items});
  if (told.last == federation::LastKeyOf(RangeOf(told.last))) {
    inbox_.OnRangeRead(RangeOf(told.last));
  }
  return Ok();
}

// ---- Another policy.

void Teller::Replace(std::shared_ptr<const federation::ForwardingMatcher> policy) {
  const Duration delay = policy->policy().batching_delay;
  newest_ = policy;
  walk_.Replace(std::move(policy));
  link_->With(
      [delay](federation::FeedSender& sender, Timestamp) { sender.set_batch_delay(delay); });
  if (!walks()) inbox_.OnlyPolicy(*newest_);
}

Status Teller::Walk() {
  ToldContents told;
  const ToldContent* at = nullptr;
  const auto read = [&](const farm::ContentKey& from, size_t contents_max,
                        federation::PolicyWalk::Visitor visit) -> StatusOr<bool> {
    STRATA_ASSIGN_OR_RETURN(told, ReadTold(store_, inbox_, uris_,
                                           {.first = from,
                                            .last = kLastKey,
                                            .contents_max = contents_max,
                                            .copies_max = SIZE_MAX}));
    for (const ToldContent& content : told.contents) {
      at = &content;
      const Copies copies = LocationsOf(content);
      visit({.key = content.key, .canonical_uri = content.uri, .copies = copies});
    }
    return told.last != kLastKey;
  };
  const auto tell = [&](const federation::WalkedContent& content,
                        std::span<const CopyChange> changes) {
    for (const CopyChange& change : changes) {
      Said said{.change = {.key = content.key, .holder = change.holder}, .before = change.before};
      if (change.after) {
        said.change.copy = FeedCopyOf(*at, {change.holder, *change.after}, options_.own_scope);
        said.change.uri = at->uri;
      }
      said_.push_back(said);
    }
  };
  const Status walked = walk_.Step(options_.limits.walk_contents, read, tell);
  Flush();
  if (!walks()) inbox_.OnlyPolicy(*newest_);
  return walked;
}

}  // namespace strata::manager::uplink

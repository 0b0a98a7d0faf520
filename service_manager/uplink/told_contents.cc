#include "service_manager/uplink/told_contents.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace strata::manager::uplink {
namespace {

using directory::Holder;
using directory::Location;
using store::StoredLocation;

const StoredLocation* Find(const ToldContent& content, Holder holder) {
  for (const StoredLocation& copy : content.copies) {
    if (copy.location.holder == holder) return &copy;
  }
  return nullptr;
}

// The content with the copies that it had before; what the store says of them may be newer.
void SetCopies(ToldContent& content, const Copies& copies) {
  std::vector<StoredLocation> before;
  for (const Location& copy : copies) {
    const StoredLocation* const stored = Find(content, copy.holder);
    StoredLocation& one = before.emplace_back(stored == nullptr ? StoredLocation() : *stored);
    one.key = content.key;
    one.location = copy;
  }
  content.copies = std::move(before);
}

// Both in the order of the keys. What is in both was read, and has changed since it was told.
std::vector<ToldContent> Lay(std::vector<std::pair<farm::ContentKey, ContentChange>> waiting,
                             std::vector<ToldContent> read) {
  std::vector<ToldContent> all;
  all.reserve(read.size() + waiting.size());
  auto at = read.begin();
  for (auto& [key, change] : waiting) {
    for (; at != read.end() && at->key < key; ++at) all.push_back(std::move(*at));
    const bool found = at != read.end() && at->key == key;
    ToldContent& content = all.emplace_back(found ? std::move(*at++) : ToldContent{.key = key});
    SetCopies(content, change.before);
    if (content.uri.empty()) content.uri = std::move(change.uri);
  }
  std::move(at, read.end(), std::back_inserter(all));
  return all;
}

}  // namespace

StatusOr<ToldContents> ReadTold(store::Store& store, const Inbox& inbox, const UriBook& uris,
                                const ContentsToRead& what) {
  ToldContents told{.contents = {}, .last = what.last};
  size_t copies = 0;
  const auto visit = [&](const store::ContentView& content) {
    told.contents.push_back({.key = content.key,
                             .uri = std::string(content.uri),
                             .copies = {content.locations.begin(), content.locations.end()}});
    copies += content.locations.size();
    if (told.contents.size() < what.contents_max && copies < what.copies_max) return true;
    told.last = content.key;
    return false;
  };
  STRATA_RETURN_IF_ERROR(store.VisitContents(what.first, what.last, visit).status());
  // What was forgotten is not known to wait, and may not be durable.
  if (inbox.has_forgotten()) STRATA_RETURN_IF_ERROR(store.Sync());

  std::vector<std::pair<farm::ContentKey, ContentChange>> waiting;
  inbox.VisitFirsts(
      what.first, told.last, [&](const farm::ContentKey& key, const ContentChange& change) {
        waiting.emplace_back(key, ContentChange{.before = change.before, .uri = change.uri});
      });
  told.contents = Lay(std::move(waiting), std::move(told.contents));
  for (ToldContent& content : told.contents) {
    if (uris.Waits(content.key)) content.copies.clear();
    if (uris.IsWithout(content.key)) {
      content.uri.clear();
    } else if (content.uri.empty() && !content.copies.empty()) {
      content.uri = inbox.UriOf(content.key);  // Forgotten by a later change.
    }
  }
  return told;
}

federation::FeedCopy FeedCopyOf(const ToldContent& content, const Location& copy,
                                Holder own_scope) {
  federation::FeedCopy told{.flags = copy.flags};
  if (copy.holder == own_scope) {
    for (const StoredLocation& one : content.copies) {
      told.size_bytes = std::max(told.size_bytes, one.size_bytes);
    }
  } else if (const StoredLocation* const stored = Find(content, copy.holder)) {
    told.size_bytes = stored->size_bytes;
    told.remaining = stored->remaining;
    told.validator = stored->validator;
  }
  return told;
}

Copies LocationsOf(const ToldContent& content) {
  Copies copies;
  for (const StoredLocation& copy : content.copies) copies.push_back(copy.location);
  return copies;
}

}  // namespace strata::manager::uplink

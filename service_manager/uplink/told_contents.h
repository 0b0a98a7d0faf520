#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/status.h"
#include "service_manager/federation/feed/feed_records.h"
#include "service_manager/store/store.h"
#include "service_manager/uplink/inbox.h"
#include "service_manager/uplink/uri_book.h"

namespace strata::manager::uplink {

// A content as the parent was told of it so far, before its projection: as it is in the store but
// for the changes that wait. Without copies: the parent has not heard of it, whatever is there.
struct ToldContent {
  farm::ContentKey key;
  std::string uri = {};  // Empty: it was told without.
  std::vector<store::StoredLocation> copies = {};
};

struct ToldContents {
  std::vector<ToldContent> contents;  // In the order of the keys.
  farm::ContentKey last;              // All up to here.
};

// Between two keys, both included, and until one of the limits is reached.
struct ContentsToRead {
  farm::ContentKey first, last;
  size_t contents_max;
  size_t copies_max;
};

// Reads the store and lays over it what waits, so that it is as of now: between two changes that
// are told. On the thread that tells. What the store says, if it cannot be read.
StatusOr<ToldContents> ReadTold(store::Store& store, const Inbox& inbox, const UriBook& uris,
                                const ContentsToRead& what);

// What is told of the copy at `holder`, with these flags, which may be the own scope; the validator
// is `content`'s.
federation::FeedCopy FeedCopyOf(const ToldContent& content, const directory::Location& copy,
                                directory::Holder own_scope);

// The copies as the index has them.
Copies LocationsOf(const ToldContent& content);

}  // namespace strata::manager::uplink

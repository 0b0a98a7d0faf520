#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.h"
#include "common/status.h"
#include "farm/content_key.h"
#include "service_manager/control/holder_book.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/directory/location_reader.h"
#include "service_manager/federation/locate/locate_plan.h"
#include "service_manager/store/store.h"

namespace strata::manager::locating {

// What a manager's own directory says of a content: the index, with the names of holders from the
// book of children's and from the own farm, sizes and lifetimes from the store. One thread at a
// time; ends before what it was given.
class LocalDirectory {
 public:
  // An engine of the own farm.
  struct Engine {
    std::string name;
    std::vector<Endpoint> clients;  // Where clients reach it; preferred ones first.
    bool heard_of = true;           // It is there, or the manager is not out of its farm.
  };
  struct Options {
    std::string scope;  // The own one.
    // An engine of the own farm by its number; nothing: it is none, or serves nobody.
    std::function<std::optional<Engine>(directory::Holder)> engine;
    // Whether nobody hears at the moment of the child that this scope lies in.
    std::function<bool(std::string_view scope)> stale;
    // Scopes below that may hold contents and tell nobody: LocalCopies::untold.
    std::function<std::vector<std::string>()> untold;
  };

  // ResourceExhausted: too many threads read the index.
  static StatusOr<std::unique_ptr<LocalDirectory>> Open(Options options,
                                                        directory::LocationIndex& index,
                                                        const control::HolderBook& holders,
                                                        store::Store& store);

  // But for `purges`. Of more copies than an answer may name, some; sizes and lifetimes of the
  // first kDetailsMax, unless the store cannot read them.
  federation::LocalCopies Look(const farm::ContentKey& key);

 private:
  LocalDirectory(Options options, directory::LocationReader reader,
                 const control::HolderBook& holders, store::Store& store);

  size_t Find(const farm::ContentKey& key);
  std::optional<federation::LocatedCopy> CopyOf(const directory::Location& location) const;
  void AddDetails(const farm::ContentKey& key, directory::Holder holder,
                  federation::LocatedCopy& copy, federation::LocalCopies& local);

  const Options options_;
  directory::LocationReader reader_;
  const control::HolderBook& holders_;
  store::Store& store_;
  std::vector<directory::Location> locations_;
};

}  // namespace strata::manager::locating

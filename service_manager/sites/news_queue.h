#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "service_manager/sites/rows.h"

namespace strata::manager::sites {

// What a site's child may know of it now: nothing if it is not for the child, or not there.
using OfferOf = std::function<std::optional<SiteState>(const std::string& site)>;

// One child's news: finds, site by site, how what the child has differs from what it shall have,
// and says what to send next. What changed while the stream is there comes before what was compared
// at its beginning. Pure; one thread.
class NewsQueue {
 public:
  struct News {
    enum class Kind : uint8_t {
      kRemoved,  // The site is not for the child any more.
      kSite,     // Its present version.
      kPurges,   // Entries of its log behind `position`.
    };
    Kind kind = Kind::kSite;
    std::string site;
    uint64_t position = 0;

    friend bool operator==(const News&, const News&) = default;
  };

  // A new stream: the child has these sites from above; `all` there are here.
  void Connected(std::map<std::string, SiteState> held, const std::vector<std::string>& all);
  // A site is another one, or has another entry in its log.
  void OnChanged(const std::string& site);

  // The next difference, taken for sent. After kPurges, Sent() tells how far it went.
  std::optional<News> Next(const OfferOf& offer_of);
  // Entries of the log up to `position` are on their way.
  void SentUpTo(const std::string& site, uint64_t position);

  bool empty() const { return urgent_.empty() && others_.empty(); }

 private:
  std::optional<News> DifferenceOf(const std::string& site, const OfferOf& offer_of);

  std::map<std::string, SiteState> told_;
  std::set<std::string> urgent_;  // To be looked at.
  std::set<std::string> others_;
};

}  // namespace strata::manager::sites

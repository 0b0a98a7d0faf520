#include "service_manager/sites/news_queue.h"

#include <utility>

namespace strata::manager::sites {

void NewsQueue::Connected(std::map<std::string, SiteState> held,
                          const std::vector<std::string>& all) {
  told_ = std::move(held);
  urgent_.clear();
  others_.clear();
  others_.insert(all.begin(), all.end());
  for (const auto& [site, _] : told_) others_.insert(site);
}

void NewsQueue::OnChanged(const std::string& site) {
  others_.erase(site);
  urgent_.insert(site);
}

std::optional<NewsQueue::News> NewsQueue::Next(const OfferOf& offer_of) {
  while (!empty()) {
    std::set<std::string>& queue = urgent_.empty() ? others_ : urgent_;
    const std::string site = *queue.begin();
    std::optional<News> news = DifferenceOf(site, offer_of);
    if (news) return news;  // There may be more of it.
    queue.erase(site);
  }
  return std::nullopt;
}

std::optional<NewsQueue::News> NewsQueue::DifferenceOf(const std::string& site,
                                                       const OfferOf& offer_of) {
  const std::optional<SiteState> offer = offer_of(site);
  const auto told = told_.find(site);
  // A site of another home is another site: its numbers cannot be compared.
  if (told != told_.end() && (!offer || offer->home != told->second.home)) {
    told_.erase(told);
    return News{.kind = News::Kind::kRemoved, .site = site};
  }
  if (!offer) return std::nullopt;
  if (told == told_.end() || told->second.version < offer->version) {
    SiteState& state = told_[site];
    state.home = offer->home;
    state.version = offer->version;
    return News{.kind = News::Kind::kSite, .site = site};
  }
  if (told->second.position >= offer->position) return std::nullopt;
  return News{.kind = News::Kind::kPurges, .site = site, .position = told->second.position};
}

void NewsQueue::SentUpTo(const std::string& site, uint64_t position) {
  const auto told = told_.find(site);
  if (told != told_.end() && told->second.position < position) told->second.position = position;
}

}  // namespace strata::manager::sites

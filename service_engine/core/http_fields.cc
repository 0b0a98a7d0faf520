#include "service_engine/core/http_fields.h"

#include <algorithm>
#include <array>

#include "common/ascii.h"
#include "common/number.h"

namespace strata::engine {
namespace {

constexpr int64_t kDeltaSecondsMax = int64_t{1} << 31;
constexpr int64_t kSecondsPerDay = 86400;

// Days since 1970-01-01 (Hinnant's algorithm); the day may be any of a month of 31.
int64_t DaysSinceEpoch(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = year / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719468;
}

// A cursor over the words of a date; '-' separates as spaces do (RFC 850).
class DateWords {
 public:
  explicit DateWords(std::string_view text) : text_(text) {}

  std::string_view Next() {
    constexpr std::string_view kSeparators = " ,-";
    const size_t from = text_.find_first_not_of(kSeparators);
    if (from == std::string_view::npos) return {};
    text_.remove_prefix(from);
    const std::string_view word = text_.substr(0, text_.find_first_of(kSeparators));
    text_.remove_prefix(word.size());
    return word;
  }

 private:
  std::string_view text_;
};

std::optional<int64_t> Number(std::string_view word, size_t digits_max) {
  if (word.size() > digits_max) return std::nullopt;
  const std::optional<int64_t> value = ParseNumber<int64_t>(word);
  return value && *value >= 0 ? value : std::nullopt;
}

std::optional<int64_t> Month(std::string_view word) {
  constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                        "jul", "aug", "sep", "oct", "nov", "dec"};
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (EqualNames(word, kMonths[i])) return static_cast<int64_t>(i) + 1;
  }
  return std::nullopt;
}

// "08:49:37"; a leap second counts as the one before it.
std::optional<int64_t> TimeOfDay(std::string_view word) {
  if (word.size() != 8 || word[2] != ':' || word[5] != ':') return std::nullopt;
  const auto hour = Number(word.substr(0, 2), 2);
  const auto minute = Number(word.substr(3, 2), 2);
  const auto second = Number(word.substr(6, 2), 2);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  return *hour * 3600 + *minute * 60 + std::min<int64_t>(*second, 59);
}

std::optional<int64_t> Year(std::string_view word) {
  const auto year = Number(word, 4);
  if (!year || word.size() == 4) return year;
  if (word.size() != 2) return std::nullopt;
  return *year + (*year >= 70 ? 1900 : 2000);
}

}  // namespace

bool EqualNames(std::string_view a, std::string_view b) { return EqualIgnoringCase(a, b); }

std::string_view Trimmed(std::string_view text) {
  const size_t from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

const std::string* FindField(const HttpFields& fields, std::string_view name) {
  for (const HttpField& field : fields) {
    if (EqualNames(field.name, name)) return &field.value;
  }
  return nullptr;
}

std::string JoinedField(const HttpFields& fields, std::string_view name) {
  std::string joined;
  bool first = true;
  for (const HttpField& field : fields) {
    if (!EqualNames(field.name, name)) continue;
    if (!first) joined += ", ";
    joined += field.value;
    first = false;
  }
  return joined;
}

void RemoveField(HttpFields& fields, std::string_view name) {
  std::erase_if(fields, [name](const HttpField& field) { return EqualNames(field.name, name); });
}

void ForEachMember(std::string_view list, absl::FunctionRef<bool(std::string_view)> each) {
  size_t from = 0;
  bool quoted = false;
  for (size_t i = 0; i <= list.size(); ++i) {
    if (i < list.size()) {
      if (quoted && list[i] == '\\') {
        ++i;
        continue;
      }
      if (list[i] == '"') quoted = !quoted;
      if (quoted || list[i] != ',') continue;
    }
    const std::string_view member = Trimmed(list.substr(from, std::min(i, list.size()) - from));
    if (!member.empty() && !each(member)) return;
    from = i + 1;
    if (from > list.size()) return;
  }
  // An escape at the very end has jumped over it: what is left is the last member.
  const std::string_view member = Trimmed(list.substr(std::min(from, list.size())));
  if (!member.empty()) each(member);
}

bool HasMember(std::string_view list, std::string_view token) {
  bool found = false;
  ForEachMember(list, [&](std::string_view member) {
    found = EqualNames(member, token);
    return !found;
  });
  return found;
}

std::optional<int64_t> ParseHttpDate(std::string_view text) {
  DateWords words(text);
  if (words.Next().size() < 3) return std::nullopt;  // The day's name, which says nothing new.
  const std::string_view second = words.Next();
  std::optional<int64_t> month = Month(second);
  const bool asctime = month.has_value();  // Sun Nov  6 08:49:37 1994
  std::optional<int64_t> day = Number(asctime ? words.Next() : second, 2);
  if (!asctime) month = Month(words.Next());
  std::optional<int64_t> year;
  if (!asctime) year = Year(words.Next());
  const std::optional<int64_t> time = TimeOfDay(words.Next());
  if (asctime) year = Year(words.Next());
  if (!asctime && words.Next() != "GMT") return std::nullopt;
  if (!day || !month || !year || !time || *day < 1 || *day > 31 || !words.Next().empty()) {
    return std::nullopt;
  }
  return DaysSinceEpoch(*year, *month, *day) * kSecondsPerDay + *time;
}

std::optional<int64_t> ParseDeltaSeconds(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  if (text.empty()) return std::nullopt;
  int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = std::min(value * 10 + (c - '0'), kDeltaSecondsMax);
  }
  return value;
}

}  // namespace strata::engine

#include "cli/pki/index.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include "common/near_miss.h"
#include "common/number.h"

namespace strata::cli {
namespace {

constexpr std::string_view kFirstLine = "strata-pki 1";
constexpr size_t kSerialDigitsMin = 8;  // Of a serial that is not written out.
constexpr size_t kSerialDigitsMax = 40;

std::string_view TakeUpTo(std::string_view& text, char end) {
  const size_t at = text.find(end);
  const std::string_view taken = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return taken;
}

template <class Number>
bool ReadNumber(std::string_view text, Number& number) {
  const std::optional<Number> read = ParseNumber<Number>(text);
  if (!read || *read < 0) return false;
  number = *read;
  return true;
}

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c); });
}

StatusOr<Issued> ParseIssued(std::string_view rest) {
  const std::string_view serial = TakeUpTo(rest, ' ');
  if (serial.empty() || serial.size() > kSerialDigitsMax || !IsHex(serial)) {
    return InvalidArgument("no serial");
  }
  Issued issued;
  STRATA_ASSIGN_OR_RETURN(issued.identity, tls::ParseIdentityUri(TakeUpTo(rest, ' ')));
  issued.identity.serial = serial;
  const bool times = ReadNumber(TakeUpTo(rest, ' '), issued.identity.not_before_s) &&
                     ReadNumber(TakeUpTo(rest, ' '), issued.identity.not_after_s) &&
                     ReadNumber(rest, issued.revoked_at_s);
  if (!times) return InvalidArgument("the times are missing");
  return issued;
}

Status ParseLine(std::string_view line, PkiIndex& index) {
  const std::string_view key = TakeUpTo(line, ' ');
  if (key == "scope") {
    index.scope = line;
    return CheckAuthorityScope(line);
  }
  bool good = false;
  if (key == "valid-until") {
    good = ReadNumber(line, index.valid_until_s);
  } else if (key == "revocation-list") {
    good = ReadNumber(line, index.revocation_list);
  } else if (key == "issued" && index.issued.size() < kIssuedMax) {
    STRATA_ASSIGN_OR_RETURN(Issued issued, ParseIssued(line));
    index.issued.push_back(std::move(issued));
    good = true;
  }
  return good ? Ok() : InvalidArgument("not understood");
}

std::string Upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

bool Means(const tls::Identity& identity, std::string_view who) {
  return who == identity.name || who == IdentityUri(identity) ||
         who == std::string(ToString(identity.role)) + "/" + identity.name ||
         (who.size() >= kSerialDigitsMin && identity.serial.starts_with(Upper(who)));
}

Status NobodyCalled(const PkiIndex& index, std::string_view who) {
  std::vector<std::string> names;
  for (const Issued& issued : index.issued) names.push_back(issued.identity.name);
  const std::string meant(NearMiss(who, names));
  const std::string name(who);
  if (meant.empty()) return NotFound("no certificate was issued for \"%s\"", name.c_str());
  return NotFound("no certificate was issued for \"%s\"; did you mean \"%s\"?", name.c_str(),
                  meant.c_str());
}

}  // namespace

Status CheckAuthorityScope(std::string_view scope) {
  return scope == kEveryScope ? Ok() : tls::CheckScope(scope);
}

bool IssuesFor(std::string_view authority, std::string_view scope) {
  return authority == kEveryScope || tls::ScopeCovers(authority, scope);
}

std::string Format(const PkiIndex& index) {
  std::string text(kFirstLine);
  text += "\nscope " + index.scope + "\nvalid-until " + std::to_string(index.valid_until_s) +
          "\nrevocation-list " + std::to_string(index.revocation_list) + "\n";
  for (const Issued& issued : index.issued) {
    text += "issued " + issued.identity.serial + " " + IdentityUri(issued.identity) + " " +
            std::to_string(issued.identity.not_before_s) + " " +
            std::to_string(issued.identity.not_after_s) + " " +
            std::to_string(issued.revoked_at_s) + "\n";
  }
  return text;
}

StatusOr<PkiIndex> ParsePkiIndex(std::string_view text) {
  if (TakeUpTo(text, '\n') != kFirstLine) {
    return InvalidArgument("line 1: not \"strata-pki 1\": no index that this program can read");
  }
  PkiIndex index;
  for (int number = 2; !text.empty(); ++number) {
    const Status status = ParseLine(TakeUpTo(text, '\n'), index);
    if (!status.ok()) {
      return InvalidArgument("line %d: %s", number, MessageOf(status).c_str());
    }
  }
  if (index.scope.empty() || index.valid_until_s == 0) {
    return InvalidArgument("it ends too early");
  }
  return index;
}

StatusOr<std::vector<size_t>> FindIssued(const PkiIndex& index, std::string_view who) {
  std::vector<size_t> found;
  std::set<std::string> identities;
  for (size_t i = 0; i < index.issued.size(); ++i) {
    if (!Means(index.issued[i].identity, who)) continue;
    found.push_back(i);
    identities.insert(IdentityUri(index.issued[i].identity));
  }
  if (found.empty()) return NobodyCalled(index, who);
  if (identities.size() == 1) return found;
  std::string all;
  for (const std::string& identity : identities) all += (all.empty() ? "" : ", ") + identity;
  return InvalidArgument("\"%s\" means several: %s; give one of these, or a serial",
                         std::string(who).c_str(), all.c_str());
}

}  // namespace strata::cli

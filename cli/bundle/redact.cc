#include "cli/bundle/redact.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace strata::cli::bundle {
namespace {

constexpr size_t kBase64LineMin = 40;
constexpr size_t kHexKeyMin = 64;

// In lower case; parts of words count: "client_secret", "X-Api-Key".
constexpr std::array<std::string_view, 14> kSecretWords = {
    "password", "passwd", "passphrase", "secret",     "token",     "authorization", "cookie",
    "api_key",  "apikey", "api-key",    "credential", "signature", "private_key",   "group_key"};

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return Lower(c) >= 'a' && Lower(c) <= 'z'; }
bool IsHex(char c) { return IsDigit(c) || (Lower(c) >= 'a' && Lower(c) <= 'f'); }
bool IsBase64(char c) { return IsLetter(c) || IsDigit(c) || c == '+' || c == '/' || c == '='; }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsWord(char c) { return IsLetter(c) || IsDigit(c) || c == '_' || c == '-'; }

std::string InLowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), Lower);
  return lower;
}

// The last word of a line as a log has it: behind what its own program put in front.
bool EndsInBase64(std::string_view line) {
  while (!line.empty() && (IsBlank(line.back()) || line.back() == '\r')) line.remove_suffix(1);
  size_t length = 0;
  while (length < line.size() && IsBase64(line[line.size() - 1 - length])) ++length;
  const std::string_view word = line.substr(line.size() - length);
  // A path has slashes and few digits; what is encoded has both cases.
  const auto count = [&](auto&& matches) {
    return std::count_if(word.begin(), word.end(), matches);
  };
  return length >= kBase64LineMin && count([](char c) { return c >= 'A' && c <= 'Z'; }) > 2 &&
         count([](char c) { return c >= 'a' && c <= 'z'; }) > 2;
}

// Where what is secret ends that begins at `at`: of a quoted text its end, of a header the line's.
size_t EndOfSecret(std::string_view line, size_t at, bool whole_line) {
  if (whole_line) return line.size();
  if (line[at] == '"' || line[at] == '\'') {
    const size_t end = line.find(line[at], at + 1);
    return end == std::string_view::npos ? line.size() : end + 1;
  }
  const size_t end = line.find_first_of(" \t,;&\"'})]\r", at);
  return end == std::string_view::npos ? line.size() : end;
}

// The place behind `at`, the end of a word for a secret, where the secret itself begins; npos: none
// follows.
size_t BeginOfSecret(std::string_view line, size_t at) {
  while (at < line.size() && IsWord(line[at])) ++at;
  if (at < line.size() && (line[at] == '"' || line[at] == '\'')) ++at;  // "key": in JSON.
  const size_t blanks = at;
  while (at < line.size() && IsBlank(line[at])) ++at;
  const bool assigned = at < line.size() && (line[at] == ':' || line[at] == '=');
  if (!assigned && at == blanks) return std::string_view::npos;
  if (assigned) ++at;
  while (at < line.size() && IsBlank(line[at])) ++at;
  return at < line.size() ? at : std::string_view::npos;
}

std::string WithoutNamedSecrets(const std::string& line) {
  const std::string lower = InLowerCase(line);
  std::string result;
  size_t done = 0;
  for (size_t at = 0; at < line.size();) {
    const auto* found = std::find_if(
        kSecretWords.begin(), kSecretWords.end(),
        [&](std::string_view word) { return lower.compare(at, word.size(), word) == 0; });
    if (found == kSecretWords.end()) {
      ++at;
      continue;
    }
    const size_t begin = BeginOfSecret(line, at + found->size());
    at += found->size();
    if (begin == std::string::npos) continue;
    // "Authorization: Bearer abc", "Cookie: a=b; c=d"; a sentence goes with them.
    const bool whole = *found == "authorization" || *found == "cookie" || *found == "passphrase" ||
                       *found == "password";
    const bool quoted = line[begin] == '"' || line[begin] == '\'';
    const size_t end = EndOfSecret(line, begin, whole && !quoted);
    result.append(line, done, begin - done).append(kRemoved);
    done = at = std::max(end, begin + 1);
  }
  return result.append(line, std::min(done, line.size()));
}

std::string WithoutUserInfo(const std::string& line) {
  std::string result;
  size_t done = 0;
  for (size_t at = line.find("://"); at != std::string::npos; at = line.find("://", at + 3)) {
    const size_t begin = at + 3;
    const size_t end = line.find_first_of("/ \t\"'?#<>", begin);
    const std::string_view host = std::string_view(line).substr(
        begin, end == std::string::npos ? std::string::npos : end - begin);
    const size_t sign = host.rfind('@');
    if (sign == std::string_view::npos) continue;
    result.append(line, done, begin - done).append(kRemoved);
    done = begin + sign;
  }
  return result.append(line, done);
}

std::string WithoutHexKeys(const std::string& line) {
  std::string result;
  for (size_t at = 0; at < line.size();) {
    size_t end = at;
    while (end < line.size() && IsHex(line[end])) ++end;
    if (end - at >= kHexKeyMin) {
      result += kRemoved;
    } else {
      end = std::max(end, at + 1);
      result.append(line, at, end - at);
    }
    at = end;
  }
  return result;
}

}  // namespace

std::string Redact(std::string_view text) {
  std::string result;
  bool in_key = false;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line(text.substr(begin, end - begin));
    const bool begins = line.find("-----BEGIN") != std::string::npos &&
                        line.find("PRIVATE KEY") != std::string::npos;
    const size_t key_end = line.rfind("-----END");
    if (begins) result += kRemoved;
    in_key = in_key || begins;
    if (!in_key) {
      result += EndsInBase64(line) ? std::string(kRemoved)
                                   : WithoutHexKeys(WithoutUserInfo(WithoutNamedSecrets(line)));
    }
    if (in_key && key_end != std::string::npos) in_key = false;
    if (end < text.size()) result += '\n';
    begin = end + 1;
  }
  return result;
}

}  // namespace strata::cli::bundle

#include "service_engine/core/library_path.h"

namespace strata::engine {
namespace {

// Characters that canonical URIs have as they are: their escapes mean something else.
constexpr std::string_view kPlain = "-._~!$&'()*+,;=:@/";

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kPlain.find(c) != std::string_view::npos;
}

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Status Unescape(std::string_view name, std::string& out) {
  out.clear();
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '%') {
      if (!IsPlain(name[i])) return InvalidArgument("its URI is not in canonical form");
      out += name[i];
      continue;
    }
    const int high = i + 2 < name.size() ? DigitOf(name[i + 1]) : -1;
    const int low = i + 2 < name.size() ? DigitOf(name[i + 2]) : -1;
    if (high < 0 || low < 0) return InvalidArgument("its URI is not in canonical form");
    const char c = static_cast<char>(high * 16 + low);
    if (c == '\0' || IsPlain(c)) {
      return InvalidArgument("its URI has an escape that no file of a library stands for");
    }
    out += c;
    i += 2;
  }
  return Ok();
}

}  // namespace

StatusOr<std::string> LibraryPathOf(std::string_view target) {
  if (target.find('?') != std::string_view::npos) {
    return InvalidArgument("its URI has a query, and libraries have none");
  }
  std::string path;
  std::string file;
  size_t depth = 0;
  while (!target.empty()) {
    if (target.front() != '/') return InvalidArgument("its URI is not in canonical form");
    target.remove_prefix(1);
    const std::string_view name = target.substr(0, target.find('/'));
    target.remove_prefix(name.size());
    STRATA_RETURN_IF_ERROR(Unescape(name, file));
    if (file.empty() || file.starts_with('.')) {
      return InvalidArgument("a name in its URI is empty or hidden, and libraries have none such");
    }
    if (file.size() > kLibraryNameBytesMax || ++depth > kLibraryDepthMax) {
      return InvalidArgument("its URI is longer than the path of a file can be");
    }
    path += (path.empty() ? "" : "/") + file;
  }
  if (path.empty()) return InvalidArgument("its URI is not in canonical form");
  return path;
}

}  // namespace strata::engine

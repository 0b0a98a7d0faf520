#include "cli/bundle/collection.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "cli/bundle/redact.h"
#include "cli/command_output.h"
#include "cli/readable.h"
#include "cli/text_width.h"
#include "common/unique_fd.h"

namespace strata::cli::bundle {
namespace {

constexpr std::chrono::seconds kCommandPatience(15);

constexpr const char* kAbout =
    "A debug bundle of Strata, made by \"strata debug bundle\".\n"
    "\n"
    "Private keys, passwords and tokens are left out: no file of a tls section is read, and in "
    "all\n"
    "texts what looks like a secret is replaced by [removed]. Names of hosts, sites, contents and\n"
    "addresses are in it: look through it before you hand it on.\n"
    "\n";

// The end of a regular file, whole lines.
StatusOr<std::string> ReadEnd(const std::string& path, bool& cut) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (fd.get() < 0 || fstat(fd.get(), &info) != 0) {
    return NotFound("%s: %s", path.c_str(), strerror(errno));
  }
  if (!S_ISREG(info.st_mode)) return FailedPrecondition("%s: not a regular file", path.c_str());
  const auto size = static_cast<size_t>(info.st_size);
  const size_t skipped = size > kItemBytesMax ? size - kItemBytesMax : 0;
  cut = skipped != 0;
  std::string content(kItemBytesMax, '\0');
  size_t filled = 0;
  while (filled < content.size()) {
    const ssize_t got = pread(fd.get(), content.data() + filled, content.size() - filled,
                              static_cast<off_t>(skipped + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    filled += static_cast<size_t>(got);
  }
  content.resize(filled);
  return cut ? content.substr(std::min(content.size(), content.find('\n') + 1)) : content;
}

std::string Padded(std::string text, size_t columns) {
  if (text.size() < columns) text.resize(columns, ' ');
  return text;
}

std::string InOneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return Printable(text);
}

}  // namespace

void Collection::Add(const std::string& name, const std::string& what,
                     const StatusOr<std::string>& text, Keep keep) {
  if (items_.size() >= kItemsMax) return;
  Item item{.name = name, .what = what, .content = "", .problem = ""};
  if (!text.ok()) {
    item.problem = Redact(MessageOf(text.status()));
  } else {
    // Cut first: what a cut leaves of a key is known by its looks.
    const size_t room = std::min(kItemBytesMax, kBundleBytesMax - bytes_);
    const bool cut = text->size() > room;
    if (cut) item.problem = "shortened from " + ReadableBytes(text->size());
    const size_t begin = cut && keep == Keep::kEnd ? text->size() - room : 0;
    item.content = Redact(text->substr(begin, room));
    bytes_ += item.content.size() < room ? item.content.size() : room;
  }
  items_.push_back(std::move(item));
}

void Collection::AddCommand(const std::string& name, const std::string& what,
                            const std::vector<std::string>& command) {
  const StatusOr<CommandOutput> output = RunCommand(command, kItemBytesMax, kCommandPatience);
  if (!output.ok()) {
    Add(name, what, output.status());
    return;
  }
  Add(name, what, output->text);
  if (output->shortened) items_.back().problem = "shortened";
  if (output->status != 0) {
    items_.back().problem = "it ended with status " + std::to_string(output->status);
  }
}

void Collection::AddFile(const std::string& name, const std::string& path, Keep keep) {
  bool cut = false;
  const StatusOr<std::string> content = ReadEnd(path, cut);
  Add(name, path, content, keep);
  if (cut) items_.back().problem = "its end only";
}

std::string Collection::Index() const {
  size_t widest = 0;
  for (const Item& item : items_) widest = std::max(widest, item.name.size());
  std::string there;
  std::string missing;
  for (const Item& item : items_) {
    const std::string line = Padded(item.name, widest + 2);
    if (item.content.empty() && !item.problem.empty()) {
      missing += line + InOneLine(item.what) + ": " + InOneLine(item.problem) + "\n";
    } else {
      there += line + Padded(ReadableBytes(item.content.size()), 10) + InOneLine(item.what) +
               (item.problem.empty() ? "" : " (" + InOneLine(item.problem) + ")") + "\n";
    }
  }
  return kAbout + ("What is in it:\n\n" + there) +
         (missing.empty() ? "" : "\nWhat was not to be had:\n\n" + missing);
}

}  // namespace strata::cli::bundle

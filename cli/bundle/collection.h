#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/status.h"

namespace strata::cli::bundle {

inline constexpr size_t kItemBytesMax = 4 << 20;
inline constexpr size_t kBundleBytesMax = 64 << 20;
inline constexpr size_t kItemsMax = 200;

// What a bundle will hold: texts by name, all without secrets, and what was not to be had. One
// thread.
class Collection {
 public:
  struct Item {
    std::string name;     // "system/routes.txt"
    std::string what;     // For people.
    std::string content;  // Redacted.
    std::string problem;  // Why it is missing, or not whole.
  };

  // A text as it is; what is beyond the limit is left out, of logs (`tail`) the beginning.
  enum class Keep : bool { kBeginning, kEnd };
  void Add(const std::string& name, const std::string& what, const StatusOr<std::string>& text,
           Keep keep = Keep::kBeginning);
  // The output of a program.
  void AddCommand(const std::string& name, const std::string& what,
                  const std::vector<std::string>& command);
  // A file, or the end of one that is too big.
  void AddFile(const std::string& name, const std::string& path, Keep keep = Keep::kBeginning);

  const std::vector<Item>& items() const { return items_; }
  // What is in it and what is not, with the rules for both.
  std::string Index() const;

 private:
  std::vector<Item> items_;
  size_t bytes_ = 0;
};

}  // namespace strata::cli::bundle

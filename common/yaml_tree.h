#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

// What a document may not exceed, whatever it means. Aliases count as what they stand for, each
// time: a small document cannot unfold into a big one.
inline constexpr size_t kYamlDepthMax = 32;
inline constexpr size_t kYamlNodesMax = 100'000;
inline constexpr size_t kYamlBytesMax = 1 << 20;

// Both from 1; 0 where the whole document is meant. Columns count bytes.
struct TextPosition {
  int line = 0;
  int column = 0;

  friend auto operator<=>(const TextPosition&, const TextPosition&) = default;
};

struct TextError {
  TextPosition position;
  std::string message;
};

struct YamlNode;

struct YamlEntry {
  std::string key;
  TextPosition position;  // Of the key.
  std::shared_ptr<const YamlNode> value;
};

// A value with the place it came from. Aliased values are shared.
struct YamlNode {
  enum class Kind { kNothing, kText, kList, kMap };

  Kind kind = Kind::kNothing;
  TextPosition position;
  std::string text;                                    // kText
  bool is_quoted = false;                              // kText: never a number or a bool.
  std::vector<std::shared_ptr<const YamlNode>> items;  // kList
  std::vector<YamlEntry> entries;                      // kMap: keys are distinct, in file order.

  size_t nodes = 1;   // This one and all below it, aliases unfolded.
  size_t height = 1;  // The longest way down, this one included.
};

struct YamlDocument {
  // Null if `errors` say that the text cannot be read at all; kNothing for an empty text.
  std::shared_ptr<const YamlNode> root;
  std::vector<TextError> errors;  // In the order of the text.
};

// Reads one YAML document: maps with text keys, lists, text, aliases. Tags, other keys and further
// documents are errors, as is a key given twice (the first one counts). Pure: no files, no globals.
YamlDocument ParseYaml(std::string_view text);

}  // namespace strata

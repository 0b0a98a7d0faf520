#include "common/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "common/utf8.h"

namespace strata {
namespace {

using NodePointer = std::shared_ptr<const YamlNode>;

TextPosition PositionOf(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

// Makes a tree of yaml-cpp's events. After an error that it cannot step over it ignores what
// follows.
class TreeBuilder final : public YAML::EventHandler {
 public:
  YamlDocument Finish() && {
    if (failed_) {
      root_ = nullptr;
    } else if (root_ == nullptr) {
      root_ = std::make_shared<const YamlNode>();
    }
    return {std::move(root_), std::move(errors_)};
  }

  void Fail(TextError error) {
    if (failed_) return;
    failed_ = true;
    errors_.push_back(std::move(error));
  }

  bool has_failed() const { return failed_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    const TextPosition position = PositionOf(mark);
    if (documents_++ == 0) {
      document_start_ = position;
    } else if (position == document_start_) {
      Fail({position, "broken YAML: this cannot start a value"});
    } else {
      Fail({position, "a second document starts here; one is allowed"});
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    // The mark is that of whatever comes next: the key is where a reader would look.
    YamlNode node;
    if (!open_.empty()) {
      node.position = open_.back().has_key ? open_.back().key_position : PositionOf(mark);
    }
    AddLeaf(std::move(node), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckTag(mark, tag);
    YamlNode node;
    node.kind = YamlNode::Kind::kText;
    node.position = PositionOf(mark);
    node.text = value;
    node.is_quoted = tag == kQuotedTag;
    if (value.find('\0') != std::string::npos) Fail({node.position, "a text with a NUL in it"});
    // yaml-cpp makes one byte of the escapes \_ and \N.
    if (!IsUtf8(value)) Fail({node.position, "an escape that gives no UTF-8"});
    AddLeaf(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (failed_) return;
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      Fail({PositionOf(mark), "an alias inside the value that it stands for"});
    } else {
      Add(found->second, PositionOf(mark));
    }
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kList, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kMap, mark, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapEnd() override { Close(); }

 private:
  static constexpr std::string_view kQuotedTag = "!";
  static constexpr std::string_view kPlainTag = "?";

  // A list or map whose end has not been seen.
  struct OpenNode {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;  // A map: `key` waits for its value.
    bool drop_value = false;
    std::string key = {};
    TextPosition key_position = {};
    std::map<std::string, TextPosition, std::less<>> keys = {};
  };

  void CheckTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == kQuotedTag || tag == kPlainTag) return;
    Fail({PositionOf(mark), "tags are not supported"});
  }

  void Open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    CheckTag(mark, tag);
    if (failed_) return;
    OpenNode open;
    open.node.kind = kind;
    open.node.position = PositionOf(mark);
    open.anchor = anchor;
    open_.push_back(std::move(open));
    CheckDepth(0, PositionOf(mark));
  }

  void Close() {
    if (failed_) return;
    auto node = std::make_shared<const YamlNode>(std::move(open_.back().node));
    const YAML::anchor_t anchor = open_.back().anchor;
    open_.pop_back();
    Remember(node, anchor);
    Add(node, node->position);
  }

  void AddLeaf(YamlNode node, YAML::anchor_t anchor) {
    if (failed_) return;
    auto pointer = std::make_shared<const YamlNode>(std::move(node));
    Remember(pointer, anchor);
    Add(pointer, pointer->position);
  }

  void Remember(const NodePointer& node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
  }

  // Puts a complete node where it belongs. `position` is where it is used, which differs from its
  // own for an alias.
  void Add(const NodePointer& node, TextPosition position) {
    CheckDepth(node->height, position);
    if (failed_) return;
    if (open_.empty()) {
      root_ = node;
      CheckNodes(node->nodes, position);
      return;
    }
    OpenNode& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kMap && !parent.has_key) {
      AddKey(parent, *node, position);
      return;
    }
    parent.node.nodes += node->nodes;
    parent.node.height = std::max(parent.node.height, node->height + 1);
    CheckNodes(parent.node.nodes, position);
    if (parent.node.kind == YamlNode::Kind::kList) {
      parent.node.items.push_back(node);
    } else {
      AddValue(parent, node);
    }
  }

  void AddKey(OpenNode& parent, const YamlNode& key, TextPosition position) {
    if (key.kind != YamlNode::Kind::kText) {
      Fail({position, "a key must be a text"});
      return;
    }
    const auto [first, added] = parent.keys.try_emplace(key.text, position);
    if (!added) {
      errors_.push_back(
          {position, "key given twice, first in line " + std::to_string(first->second.line)});
    }
    parent.has_key = true;
    parent.drop_value = !added;
    parent.key = key.text;
    parent.key_position = position;
  }

  void AddValue(OpenNode& parent, const NodePointer& value) {
    if (!parent.drop_value) {
      parent.node.entries.push_back({std::move(parent.key), parent.key_position, value});
    }
    parent.has_key = false;
  }

  void CheckDepth(size_t height, TextPosition position) {
    if (open_.size() + height > kYamlDepthMax) {
      Fail({position, "nested deeper than " + std::to_string(kYamlDepthMax) + " levels"});
    }
  }

  void CheckNodes(size_t nodes, TextPosition position) {
    if (nodes > kYamlNodesMax) {
      Fail({position, "more than " + std::to_string(kYamlNodesMax) + " values"});
    }
  }

  int documents_ = 0;
  TextPosition document_start_;
  bool failed_ = false;
  NodePointer root_;
  std::vector<TextError> errors_;
  std::vector<OpenNode> open_;
  std::map<YAML::anchor_t, NodePointer> anchors_;
};

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
// Ends the document. Without it yaml-cpp takes the end of the text for the end of an open quote.
constexpr std::string_view kDocumentEnd = "\n...\n";

bool IsControl(char c) {
  return (c >= 0 && c < ' ' && c != '\n' && c != '\r' && c != '\t') || c == 0x7f;
}

TextPosition PositionAt(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const size_t line_start = before.rfind('\n') + 1;  // 0 if there is none.
  return {static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(offset - line_start) + 1};
}

// What yaml-cpp would guess about or let through.
std::optional<TextError> FindForeignBytes(std::string_view text) {
  if (text.size() > kYamlBytesMax) {
    return TextError{{}, "more than " + std::to_string(kYamlBytesMax) + " bytes"};
  }
  const size_t valid = ValidUtf8Prefix(text);
  if (valid != text.size()) return TextError{PositionAt(text, valid), "not UTF-8"};
  const auto control = std::find_if(text.begin(), text.end(), IsControl);
  if (control == text.end()) return std::nullopt;
  const size_t offset = static_cast<size_t>(control - text.begin());
  return TextError{PositionAt(text, offset), "a control character"};
}

TextError Described(const YAML::Exception& error, std::string_view text) {
  const bool open_quote = error.msg == YAML::ErrorMsg::DOC_IN_SCALAR;
  // Where what we added is at fault, the reader should look at the end of the text.
  const TextPosition position = std::min(PositionOf(error.mark), PositionAt(text, text.size()));
  return {position, "broken YAML: " + (open_quote ? "a quote is still open here" : error.msg)};
}

void Parse(std::string_view text, TreeBuilder& builder) {
  try {
    std::istringstream stream(std::string(text) + std::string(kDocumentEnd));
    YAML::Parser parser(stream);
    // yaml-cpp does not step over a stray comma: it finds empty documents there for ever.
    while (!builder.has_failed() && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    builder.Fail(Described(error, text));
  }
}

}  // namespace

YamlDocument ParseYaml(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  TreeBuilder builder;
  if (auto error = FindForeignBytes(text)) {
    builder.Fail(*std::move(error));
  } else {
    Parse(text, builder);
  }
  return std::move(builder).Finish();
}

}  // namespace strata

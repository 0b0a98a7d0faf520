#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace strata::multicast {

// Puts together a line of words and name=value fields, one space between them.
class Line {
 public:
  Line& Word(std::string_view word) {
    if (!text_.empty()) text_ += ' ';
    text_ += word;
    return *this;
  }
  Line& WordIf(bool condition, std::string_view word) { return condition ? Word(word) : *this; }
  Line& Field(std::string_view name, std::string_view value) {
    Word(name);
    text_ += '=';
    text_ += value;
    return *this;
  }
  Line& Field(std::string_view name, uint64_t value) { return Field(name, std::to_string(value)); }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace strata::multicast

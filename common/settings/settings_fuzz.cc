#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "common/check.h"
#include "common/settings/settings.h"
#include "common/settings/settings_test.pb.h"
#include "common/settings/settings_text.h"
#include "common/utf8.h"
#include "common/yaml_tree.h"

// Whatever the text, loading ends with a filled message or with an untouched one and a readable,
// bounded list of errors; and it ends the same way twice. What was filled can be written, and reads
// the same.

namespace strata {
namespace {

constexpr int kMarkPort = -77;

void CheckErrors(const Status& status) {
  STRATA_CHECK(status.code() == StatusCode::kInvalidArgument);
  const std::string text = MessageOf(status);
  STRATA_CHECK(IsUtf8(text));
  const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
  STRATA_CHECK(static_cast<size_t>(lines) <= kSettingsErrorsMax + 1);
  for (std::string_view rest = text; !rest.empty();) {
    STRATA_CHECK(rest.starts_with("fuzz.yaml:"));
    const size_t end = rest.find('\n');
    rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
  }
}

void CheckLoaded(const testing::TestSettings& settings) {
  STRATA_CHECK(settings.port() >= 1 && settings.port() <= 65535);
  STRATA_CHECK(IsUtf8(settings.name()));
  STRATA_CHECK(settings.multicast().tick() >= 100'000);
  STRATA_CHECK(settings.multicast().loss() >= 0 && settings.multicast().loss() <= 1);
  for (const uint32_t weight : settings.weights()) STRATA_CHECK(weight >= 1 && weight <= 100);
}

void CheckWritten(const testing::TestSettings& settings) {
  const std::string text = SettingsText(settings);
  // Written out, aliases may need more room than a file has.
  if (text.size() > kYamlBytesMax) return;
  testing::TestSettings again;
  const Status status = LoadSettings("written.yaml", text, &again);
  STRATA_CHECK(status.ok());
  STRATA_CHECK(google::protobuf::util::MessageDifferencer::Equals(settings, again));
}

void CheckText(std::string_view text) {
  testing::TestSettings settings;
  settings.set_port(kMarkPort);
  const Status status = LoadSettings("fuzz.yaml", text, &settings);
  if (status.ok()) {
    CheckLoaded(settings);
    CheckWritten(settings);
  } else {
    CheckErrors(status);
    STRATA_CHECK(settings.port() == kMarkPort && settings.name().empty());
  }
  testing::TestSettings again;
  STRATA_CHECK(LoadSettings("fuzz.yaml", text, &again) == status);
}

}  // namespace
}  // namespace strata

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  strata::CheckText({reinterpret_cast<const char*>(data), size});
  return 0;
}

// Runs a fuzz target over the files named on the command line, without libFuzzer.
// Under Bazel it reports one test case for each file, and one for the empty input.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

bool ReplayFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::cerr << "cannot read " << path << "\n";
    return false;
  }
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::cerr << "replay " << path << " (" << bytes.size() << " bytes)\n";
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  return true;
}

std::string EscapedForXml(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    const bool special = c == '<' || c == '>' || c == '&' || c == '"';
    escaped += special ? "&#" + std::to_string(static_cast<int>(c)) + ";" : std::string(1, c);
  }
  return escaped;
}

void WriteXml(const char* path, const std::vector<std::string>& cases) {
  std::ofstream xml(path);
  xml << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"" << cases.size()
      << "\" failures=\"0\" errors=\"0\">\n<testsuite name=\"Replay\" tests=\"" << cases.size()
      << "\" failures=\"0\" errors=\"0\">\n";
  for (const std::string& name : cases) {
    xml << "<testcase name=\"" << EscapedForXml(name) << "\" status=\"run\"/>\n";
  }
  xml << "</testsuite>\n</testsuites>\n";
}

}  // namespace

int main(int argc, char** argv) {
  const uint8_t nothing = 0;
  std::cerr << "replay the empty input\n";
  LLVMFuzzerTestOneInput(&nothing, 0);
  std::vector<std::string> cases = {"empty input"};
  for (int i = 1; i < argc; ++i) {
    if (!ReplayFile(argv[i])) return EXIT_FAILURE;
    cases.push_back(argv[i]);
  }
  if (const char* xml = std::getenv("XML_OUTPUT_FILE")) WriteXml(xml, cases);
  return EXIT_SUCCESS;
}

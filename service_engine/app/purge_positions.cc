#include "service_engine/app/purge_positions.h"

#include <sstream>
#include <utility>

#include "common/atomic_file.h"
#include "common/file.h"
#include "common/number.h"

namespace strata::engine::app {
namespace {

constexpr size_t kFileBytesMax = 4 << 20;
constexpr unsigned kMode = 0600;

}  // namespace

StatusOr<PurgePositions> PurgePositions::Open(const std::string& path) {
  PurgePositions positions(path);
  const StatusOr<std::string> text = ReadFile(path, kFileBytesMax);
  if (text.status().code() == StatusCode::kNotFound) return positions;
  STRATA_RETURN_IF_ERROR(text);
  std::istringstream lines(*text);
  size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const size_t space = line.find(' ');
    std::optional<uint64_t> position;
    if (space != std::string::npos && space > 0) {
      position = ParseNumber<uint64_t>(std::string_view(line).substr(space + 1));
    }
    if (!position) return DataLoss("%s:%zu: not a site and a position", path.c_str(), number);
    positions.positions_[line.substr(0, space)] = *position;
  }
  return positions;
}

uint64_t PurgePositions::Of(const std::string& site) const {
  const auto it = positions_.find(site);
  return it == positions_.end() ? 0 : it->second;
}

void PurgePositions::Set(const std::string& site, uint64_t position) {
  positions_[site] = position;
  saved_ = false;
}

Status PurgePositions::Forget(const std::string& site) {
  if (positions_.erase(site) == 0) return Ok();
  saved_ = false;
  return Save();
}

Status PurgePositions::Save() {
  std::string text;
  for (const auto& [site, position] : positions_) {
    text += site + " " + std::to_string(position) + "\n";
  }
  STRATA_RETURN_IF_ERROR(WriteFileAtomically(path_, text, kMode));
  saved_ = true;
  return Ok();
}

}  // namespace strata::engine::app

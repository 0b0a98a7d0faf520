#pragma once

#include <string>

namespace strata::simulation {

// What a checker found wrong in a run.
struct Failure {
  std::string checker;
  std::string what;
};

}  // namespace strata::simulation

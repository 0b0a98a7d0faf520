#pragma once

#include <map>
#include <string>

#include "farm/state_table.h"

namespace strata::farm {

// How much each parameter of a row counts in its load factor. Only their proportions matter; a
// parameter that an engine does not tell, or whose capacity is unknown, does not count for it.
struct LoadWeights {
  double bandwidth_out = 4;
  double bandwidth_in = 1;
  double cpu = 3;
  double memory = 1;
  double storage = 0;  // What is stored costs nothing to serve; it matters for filling only.
  std::map<std::string, double> parameters;  // Those that adapters add, by name; others count 0.
};

// How busy an engine is: the weighted mean of used shares, 0 idle, 1 exhausted, more if it is
// beyond what it said it can do (claims 1 of seed 1). 0 if nothing is known. Equal at every member,
// because their tables are; pure.
double LoadFactor(const Row& row, const LoadWeights& weights);

}  // namespace strata::farm

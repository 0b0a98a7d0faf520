#include "multicast/core/mutants.h"

#ifdef STRATA_WITH_MUTANTS
namespace strata::multicast {

Mutant active_mutant = Mutant::kNone;

}  // namespace strata::multicast
#endif

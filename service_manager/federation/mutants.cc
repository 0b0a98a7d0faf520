#include "service_manager/federation/mutants.h"

#ifdef STRATA_WITH_MUTANTS
namespace strata::manager::federation {

Mutant active_mutant = Mutant::kNone;

}  // namespace strata::manager::federation
#endif

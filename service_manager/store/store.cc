#include "service_manager/store/store.h"

namespace strata::manager::store {

Store::~Store() = default;

}  // namespace strata::manager::store

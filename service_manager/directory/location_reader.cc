#include "service_manager/directory/location_reader.h"

namespace strata::manager::directory {

StatusOr<LocationReader> LocationReader::Register(LocationIndex& index) {
  ReaderEpochs::Place* place = index.epochs_.Register();
  if (place == nullptr) {
    return ResourceExhausted("%zu threads read the directory already", kReadersMax);
  }
  return LocationReader(index, *place);
}

LocationReader::~LocationReader() {
  if (place_ != nullptr) ReaderEpochs::Unregister(*place_);
}

}  // namespace strata::manager::directory

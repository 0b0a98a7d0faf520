#include "service_manager/control/place_desk.h"

namespace strata::manager::control {

PlaceDesk::PlaceDesk(FarmControl& control, const WitnessBook& witnesses, MetricRegistry& metrics)
    : control_(control),
      witnesses_(witnesses),
      told_(metrics.AddCounter({.name = "strata_farm_places_told_total",
                                .help = "Times that a member was told its place in the group while "
                                        "nobody led."})),
      refused_(
          metrics.AddCounter({.name = "strata_farm_places_refused_total",
                              .help = "Times that a member asked for a place in the group that "
                                      "it does not have, as far as this manager knows."})) {}

StatusOr<store::MirrorPosition> PlaceDesk::Check(const Claim& claim) {
  STRATA_RETURN_IF_ERROR(CheckNobodyLeads());
  // Before anything else is read: what comes meanwhile makes it too low, which does no harm.
  const store::MirrorPosition position = control_.store().position();
  const Status known = CheckKnown(claim);
  (known.ok() ? told_ : refused_).Add();
  STRATA_RETURN_IF_ERROR(known);
  return position;
}

Status PlaceDesk::CheckNobodyLeads() const {
  if (control_.leads()) return Unavailable("this manager leads its farm: register here");
  if (!control_.leader().empty()) return control_.CheckLeads();
  return Ok();
}

Status PlaceDesk::CheckKnown(const Claim& claim) const {
  if (claim.group_id != control_.registrar().group_id()) {
    return FailedPrecondition(
        "the group of %s is another one than this manager's: one of them was of another farm, or "
        "the manager was restored from a backup",
        claim.name.c_str());
  }
  uint32_t id = 0;
  if (claim.witness) {
    STRATA_ASSIGN_OR_RETURN(id, witnesses_.Find(claim.name));
  } else {
    STRATA_ASSIGN_OR_RETURN(const Registrar::Engine engine, control_.registrar().Find(claim.name));
    id = engine.info.id.value();
  }
  if (id == claim.member_id) return Ok();
  return FailedPrecondition("%s is member %u of the group here, not %u", claim.name.c_str(), id,
                            claim.member_id);
}

}  // namespace strata::manager::control

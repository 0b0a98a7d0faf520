"""The house as data: which package is which floor, and who may see whom.

Arrows point down only: tests -> app -> edge -> pure -> common. The processes
(manager, engine, switch, cli) never include each other; they meet in proto/,
multicast/, farm/ and common/.
"""

PURE_ROOMS = [
    "farm",
    "multicast/core",
    "multicast/wire",
    "service_engine/core",
    "service_manager/directory",
    "service_manager/federation",
    "service_manager/placement",
    "service_manager/routing",
    "service_manager/sites",
    "service_switch/core",
]

# Rooms inside a pure one that are not.
_EDGE_ROOMS = [
    "farm/backup",
    "farm/member",
    "farm/rpc",
]

FLOORS = {
    "common": 0,
    "proto": 1,
    "pure": 2,
    "edge": 3,
    "app": 4,
    "tests": 5,
}

# Wings that anybody above may use; the processes are on their own.
_SHARED_WINGS = ["common", "farm", "multicast", "proto"]
_PROCESS_WINGS = ["cli", "service_engine", "service_manager", "service_switch"]

# Rooms of a process that say what may be planned, for whoever plans: pure, and without state.
_PLANNING_ROOMS = [
    "service_manager/federation",
    "service_manager/federation/policy",
]
_TEST_WINGS = ["deploy", "docs", "tests", "tools"]

def _is_inside(package, room):
    return package == room or package.startswith(room + "/")

def wing_of(package):
    """The top folder of a package."""
    return package.split("/")[0]

def floor_of(package):
    """The name of the floor that a package lives on."""
    wing = wing_of(package)
    if wing in ["common", "proto"]:
        return wing
    if wing in _TEST_WINGS:
        return "tests"
    if wing == "cli" or package.split("/")[-1] == "app":
        return "app"
    if package in _EDGE_ROOMS:
        return "edge"
    for room in PURE_ROOMS:
        if _is_inside(package, room):
            return "pure"
    return "edge"

def _wing_arrow_error(source, target):
    source_wing = wing_of(source)
    target_wing = wing_of(target)
    if source_wing == target_wing or floor_of(source) == "tests":
        return None
    if source == "cli/topology" and target in _PLANNING_ROOMS:
        return None
    if target_wing not in _SHARED_WINGS:
        return "wings meet in proto/, multicast/, farm/ and common/ only"
    if source_wing == "multicast" and target_wing == "farm":
        return "multicast/ is a library of its own and knows no farm"
    return None

def arrow_error(source, target, is_test):
    """Why package `source` may not depend on package `target`, or None."""
    wing_error = _wing_arrow_error(source, target)
    if wing_error or (is_test and wing_of(source) == wing_of(target)):
        return wing_error
    source_floor = floor_of(source)
    target_floor = floor_of(target)
    if target_floor == "proto" and source_floor == "pure":
        return "generated types stay in edge rooms; a pure room has its own"
    if FLOORS[target_floor] > FLOORS[source_floor]:
        return "%s is %s, which lies above %s: arrows go app -> edge -> pure -> common" % (
            "//" + target,
            target_floor,
            source_floor,
        )
    return None

def default_visibility(package):
    """Who sees a target that names no visibility of its own."""
    wing = wing_of(package)
    if wing in _SHARED_WINGS or wing in _PROCESS_WINGS:
        return ["//tools:users_of_" + wing]
    return ["//visibility:private"]

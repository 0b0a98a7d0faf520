"""The system libraries that `@debian` offers.

Label name -> [Debian package, then pkg-config modules and plain -l flags].
A `header:` entry is a file that must exist where pkg-config knows nothing.
A library whose package is missing breaks only the targets that use it.
"""

_ABSEIL_MODULES = [
    "absl_any_invocable",
    "absl_bind_front",
    "absl_bits",
    "absl_btree",
    "absl_cleanup",
    "absl_core_headers",
    "absl_fixed_array",
    "absl_flat_hash_map",
    "absl_flat_hash_set",
    "absl_function_ref",
    "absl_hash",
    "absl_inlined_vector",
    "absl_int128",
    "absl_node_hash_map",
    "absl_node_hash_set",
    "absl_span",
    "absl_status",
    "absl_statusor",
    "absl_str_format",
    "absl_strings",
    "absl_synchronization",
    "absl_time",
]

_OTHER_LIBRARIES = {
    "benchmark": ["libbenchmark-dev", "benchmark"],
    "benchmark_main": ["libbenchmark-dev", "benchmark", "-lbenchmark_main"],
    "boost": ["libboost1.81-dev", "header:/usr/include/boost/beast.hpp"],
    "cli11": ["libcli11-dev", "CLI11"],
    "cpg": ["libcpg-dev", "libcpg"],
    "fmt": ["libfmt-dev", "fmt"],
    "grpcpp": ["libgrpc++-dev", "grpc++", "protobuf"],
    "gtest": ["libgmock-dev", "gmock"],
    "gtest_main": ["libgmock-dev", "gmock_main"],
    "ldns": ["libldns-dev", "ldns"],
    "libarchive": ["libarchive-dev", "libarchive"],
    "libbpf": ["libbpf-dev", "libbpf"],
    "libcrypto": ["libssl-dev", "libcrypto"],
    "libcurl": ["libcurl4-openssl-dev", "libcurl"],
    "libmaxminddb": ["libmaxminddb-dev", "libmaxminddb"],
    "libnftables": ["libnftables-dev", "libnftables"],
    "libssl": ["libssl-dev", "libssl", "libcrypto"],
    "netsnmp": ["libsnmp-dev", "netsnmp"],
    "netsnmp_agent": ["libsnmp-dev", "netsnmp-agent"],
    "norm": ["libnorm-dev", "header:/usr/include/normApi.h", "-lnorm"],
    "openpgm": ["libpgm-dev", "openpgm-5.3"],
    "pcap": ["libpcap0.8-dev", "libpcap"],
    "prometheus_cpp_core": ["prometheus-cpp-dev", "prometheus-cpp-core"],
    "prometheus_cpp_pull": ["prometheus-cpp-dev", "prometheus-cpp-pull"],
    "protobuf": ["libprotobuf-dev", "protobuf"],
    "rocksdb": ["librocksdb-dev", "rocksdb"],
    "spdlog": ["libspdlog-dev", "spdlog"],
    "xxhash": ["libxxhash-dev", "libxxhash"],
    "yaml_cpp": ["libyaml-cpp-dev", "yaml-cpp"],
}

def _all_libraries():
    libraries = dict(_OTHER_LIBRARIES)
    for module in _ABSEIL_MODULES:
        libraries[module] = ["libabsl-dev", module]
    return libraries

DEBIAN_LIBRARIES = _all_libraries()

# Third-party libraries without I/O, threads, clocks or hidden randomness: the
# only ones that a pure library may use.
PURE_DEBIAN_LIBRARIES = [
    "absl_any_invocable",
    "absl_bind_front",
    "absl_bits",
    "absl_btree",
    "absl_cleanup",
    "absl_core_headers",
    "absl_fixed_array",
    "absl_flat_hash_map",
    "absl_flat_hash_set",
    "absl_function_ref",
    "absl_hash",
    "absl_inlined_vector",
    "absl_int128",
    "absl_node_hash_map",
    "absl_node_hash_set",
    "absl_span",
    "absl_status",
    "absl_statusor",
    "absl_str_format",
    "absl_strings",
    "libcrypto",
    "xxhash",
]
